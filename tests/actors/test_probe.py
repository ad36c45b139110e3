"""What a probe says of good videos and why it refuses bad ones."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.decoder_process import DecoderProcess
from footage.errors import MissingSource, VideoError, code_of
from footage.records import Video
from footage.settings import DecoderLimits, DecoderSettings
from tests import media


@pytest.fixture(scope="module")
def process() -> Iterator[DecoderProcess]:
    with DecoderProcess(DecoderSettings()) as made:
        yield made


PLAIN = Video(
    duration_s=media.DURATION_S,
    first_frame_s=0.0,
    width_px=192,
    height_px=108,
    rotation_deg=0,
    frame_rate=25.0,
    video_codec="h264",
    has_audio=True,
    has_timestamps=True,
)


def changed(video: Video, **fields: object) -> Video:
    return Video(**{**{name: getattr(video, name) for name in Video.__slots__}, **fields})


def test_plain(process: DecoderProcess, tmp_path: Path):
    assert process.probe(media.plain(tmp_path / "a.mp4")) == PLAIN


def test_a_name_may_hold_anything(process: DecoderProcess, tmp_path: Path):
    odd = tmp_path / "concat:a|http: 'é\n"
    odd.mkdir()
    assert process.probe(media.plain(tmp_path / "a.mp4").rename(odd / "ö:1|2.mp4")) == PLAIN
    not_text = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4")
    assert process.probe((odd / "ö:1|2.mp4").rename(not_text)) == PLAIN


def test_silent(process: DecoderProcess, tmp_path: Path):
    assert process.probe(media.silent(tmp_path / "a.mp4")) == changed(PLAIN, has_audio=False)


def test_rotated(process: DecoderProcess, tmp_path: Path):
    expected = changed(PLAIN, width_px=108, height_px=192, rotation_deg=270)
    assert process.probe(media.rotated(tmp_path / "a.mp4")) == expected


def test_variable_frame_rate(process: DecoderProcess, tmp_path: Path):
    video = process.probe(media.variable_frame_rate(tmp_path / "a.mp4"))
    assert video.duration_s == media.VARIABLE_DURATION_S
    assert video.has_timestamps


def test_without_timestamps(process: DecoderProcess, tmp_path: Path):
    video = process.probe(media.without_timestamps(tmp_path / "a.avi"))
    assert video == changed(PLAIN, has_timestamps=False)


def test_time_starts_with_the_container(process: DecoderProcess, tmp_path: Path):
    video = process.probe(media.write_clip(tmp_path / "a.ts", container_format="mpegts"))
    # the sound begins first, by the 1024 samples that an AAC encoder puts before its first
    assert video.first_frame_s == pytest.approx(1024 / media.SOUND_RATE_HZ, abs=1e-4)
    assert video.duration_s == pytest.approx(video.first_frame_s + media.DURATION_S)


@pytest.mark.parametrize("name", media.BAD)
def test_bad_ones_are_refused_with_their_reason(process: DecoderProcess, tmp_path: Path, name: str):
    make, code = media.BAD[name]
    path = make(tmp_path / name)
    with pytest.raises(VideoError) as caught:
        process.probe(path)
    assert code_of(caught.value) == code
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")


def test_bad_ones_do_not_cost_the_process(process: DecoderProcess, tmp_path: Path):
    before = process.pid
    for name in media.make_bad_folder(tmp_path):
        with pytest.raises(VideoError):
            process.probe(tmp_path / name)
    assert process.pid == before


@pytest.mark.parametrize("container", ["matroska", "flv", "avi"])
def test_a_copy_that_was_cut_off_is_refused(process: DecoderProcess, tmp_path: Path, container: str):
    path = media.write_clip(tmp_path / "a.bin", container_format=container, sound_codec=None)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match="Copy the file again") as caught:
        process.probe(path)
    assert code_of(caught.value) == "truncated_video"


def test_a_playlist_reaches_neither_files_nor_the_network(process: DecoderProcess, tmp_path: Path):
    local = media.plain(tmp_path / "local.mp4")
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    connections.append(server.accept())
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret.ts"
        for name in ("list.mp4", "list.m3u8", "list.ts"):
            for target in (url, str(local), local.name, f"file://{local}"):
                with pytest.raises(VideoError) as caught:
                    process.probe(media.playlist(tmp_path / name, target))
                assert code_of(caught.value) == "unsupported_container"
        stop.set()
        listener.join()
    assert connections == []


def test_limits_are_checked_before_anything_is_decoded(tmp_path: Path):
    path = media.plain(tmp_path / "a.mp4")
    for limits, word in (
        (DecoderLimits(max_pixels=192 * 108 - 1), "pixels"),
        (DecoderLimits(max_duration_s=5), "long"),
        (DecoderLimits(max_streams=1), "streams"),
    ):
        with DecoderProcess(DecoderSettings(limits=limits)) as process, pytest.raises(VideoError, match=word) as caught:
            process.probe(path)
        assert code_of(caught.value) == "video_too_large"


def test_exactly_at_the_limits_is_fine(tmp_path: Path):
    path = media.plain(tmp_path / "a.mp4")
    limits = DecoderLimits(max_pixels=192 * 112, max_duration_s=6.1, max_streams=2)  # coded in whole macroblocks
    with DecoderProcess(DecoderSettings(limits=limits)) as process:
        assert process.probe(path) == PLAIN


def test_a_container_that_lies_about_its_size_is_refused(process: DecoderProcess, tmp_path: Path):
    path = media.plain(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    at = data.find(b"avc1", data.find(b"stsd")) + 28  # width and height of the sample entry
    data[at : at + 4] = (30_000).to_bytes(2, "big") * 2
    path.write_bytes(data)
    with pytest.raises(VideoError, match="30000 x 30000"):
        process.probe(path)


def test_what_is_no_file(process: DecoderProcess, tmp_path: Path):
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, tmp_path / "gone.mp4", Path("/dev/zero")):
        with pytest.raises(MissingSource, match=path.name):
            process.probe(path)
