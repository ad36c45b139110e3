"""What a probe says of good videos and why it refuses bad ones."""

import os
import socket
import threading
from pathlib import Path

import pytest

from actors.decoder_process import DecoderProcess
from actors.probe import probe
from footage.decoder_settings import DecoderLimits, DecoderSettings
from footage.errors import MissingSource, VideoError, code_of
from footage.local_sources import VIDEO_SUFFIXES
from footage.records import Video
from tests import media

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


def test_a_long_video_without_timestamps_is_refused_with_a_way_out(tmp_path: Path):
    path = media.without_timestamps(tmp_path / "a b.avi")
    with DecoderProcess(DecoderSettings(limits=DecoderLimits(max_untimed_s=5.9))) as process:
        with pytest.raises(VideoError, match=r"-i 'a b\.avi' -c copy 'a b\.mkv'.*max_untimed_s") as caught:
            process.probe(path)
        assert process.probe(media.silent(tmp_path / "timed.mp4")).has_timestamps
    assert code_of(caught.value) == "video_too_large"
    with DecoderProcess(DecoderSettings(limits=DecoderLimits(max_untimed_s=6))) as process:
        assert process.probe(path).duration_s == 6.0


def test_a_file_that_cannot_be_read_is_not_called_unsupported():
    # the kernel gives EIO for the first bytes of this one
    with pytest.raises(MissingSource, match=r"^mem cannot be read: Input/output error\."):
        probe(Path("/proc/self/mem"), DecoderLimits())


def test_a_damaged_matroska_is_not_called_unreadable(process: DecoderProcess, tmp_path: Path):
    path = media.write_clip(tmp_path / "a.mkv", sound_codec=None)
    data = path.read_bytes()
    found = set()
    for length in range(40, 400, 20):  # of some of these libav says EIO
        path.write_bytes(data[:length])
        with pytest.raises(VideoError) as caught:
            process.probe(path)
        found.add(code_of(caught.value))
    assert "missing_source" not in found


def test_time_outs_of_a_probe_name_limits_that_it_has(tmp_path: Path):
    path = media.plain(tmp_path / "{a}.mp4")
    limits = DecoderLimits(wall_base_s=1e-9)
    with (
        DecoderProcess(DecoderSettings(limits=limits)) as process,
        pytest.raises(VideoError, match=r"^\{a\}\.mp4 was not read .* raise decoder\.limits\.wall_base_s\.$") as caught,
    ):
        process.probe(path)
    assert code_of(caught.value) == "decoder_timed_out"


X264, MPEG2, VP8, WMV, MPEG4 = ("libx264", None), ("mpeg2video", {}), ("libvpx", {}), ("wmv2", {}), ("mpeg4", {})
CONTAINERS = {  # suffix: the container that it stands for, and pictures that it holds
    ".mp4": ("mp4", X264),
    ".m4v": ("ipod", X264),
    ".mov": ("mov", X264),
    ".qt": ("mov", X264),
    ".mkv": ("matroska", X264),
    ".webm": ("webm", VP8),
    ".avi": ("avi", MPEG4),
    ".flv": ("flv", X264),
    ".f4v": ("f4v", X264),
    ".ts": ("mpegts", X264),
    ".m2ts": ("mpegts", X264),
    ".mts": ("mpegts", X264),
    ".mpg": ("mpeg", MPEG2),
    ".mpeg": ("mpeg", MPEG2),
    ".vob": ("vob", MPEG2),
    ".3gp": ("3gp", X264),
    ".3g2": ("3g2", X264),
    ".mj2": ("mp4", ("jpeg2000", {})),
    ".wmv": ("asf", WMV),
    ".asf": ("asf", WMV),
    ".ogv": ("ogg", VP8),
    ".mxf": ("mxf", MPEG2),
}


@pytest.mark.parametrize("suffix", sorted(VIDEO_SUFFIXES))
def test_every_suffix_that_is_listed_can_be_opened(process: DecoderProcess, tmp_path: Path, suffix: str):
    container, (codec, options) = CONTAINERS[suffix]
    path = media.write_clip(
        tmp_path / f"a{suffix}",
        (1.0, 1.0),
        codec=codec,
        codec_options=options,
        container_format=container,
        container_options={"brand": "mjp2"} if suffix == ".mj2" else None,
        sound_codec=None,
    )
    video = process.probe(path)
    assert (video.width_px, video.height_px) == (192, 108)
    assert video.duration_s == pytest.approx(2.0, abs=0.1)
    assert video.has_timestamps
