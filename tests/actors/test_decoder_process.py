"""The decoder process: it dies, hangs or bursts without harm, and never outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import pytest

from actors.decoder_process import DecoderProcess
from actors.decoder_protocol import Answer
from footage.decoder_settings import DecoderLimits, DecoderSettings
from footage.errors import DecoderCrashed, DecoderOutOfMemory, DecoderTimedOut
from tests import media
from tests.conftest import PROJECT

SPAN = {
    "start_s": 0.0,
    "end_s": 60.0,
    "is_last": True,
    "first_frame_s": 0.0,
    "has_audio": False,
    "has_timestamps": True,
}


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes about a second to decode."""
    path = tmp_path_factory.mktemp("media") / "long.mp4"
    return media.write_clip(path, (3.0,) * 10, size=(640, 360), sound_codec=None)


def limited(**limits: Any) -> DecoderProcess:
    return DecoderProcess(DecoderSettings(limits=DecoderLimits(**limits)))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline, f"{pid} lives on"
        time.sleep(0.02)


def kill_when_busy(process: DecoderProcess, times: int) -> threading.Thread:
    """Kills the child `times` times, each time once it has worked on a request for a while."""

    def cpu_ticks(pid: int) -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def work() -> None:
        for _ in range(times):
            pid = process.pid
            while pid is None or not is_running(pid):
                pid = process.pid
            begun = cpu_ticks(pid)
            while process.pid == pid and cpu_ticks(pid) < begun + 5:
                time.sleep(0.005)
            os.kill(pid, signal.SIGKILL)
            while process.pid == pid:
                time.sleep(0.005)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_child_killed_in_the_middle_costs_nothing(long_clip: Path):
    with limited() as process:
        whole = process.decode(long_clip, SPAN, 60)
        first = process.pid
        killer = kill_when_busy(process, times=1)
        assert process.decode(long_clip, SPAN, 60) == whole
        killer.join()
        assert process.pid != first


def test_a_child_killed_between_requests_costs_nothing(long_clip: Path):
    with limited() as process:
        video = process.probe(long_clip)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        wait_until_gone(process.pid)
        assert process.probe(long_clip) == video


def test_what_kills_two_children_is_given_up(tmp_path: Path):
    # no hostile file is at hand that crashes this libav; a request that the child does not understand ends it alike
    path = media.silent(tmp_path / "a.mp4")
    with limited() as process:
        with pytest.raises(DecoderCrashed, match=r"a\.mp4 2 times, with exit code 1 .*TypeError"):
            process.decode(path, {**SPAN, "surprise": 1}, 60)
        assert process.probe(path).width_px == 192  # the next one is served


def test_wall_time_is_limited(long_clip: Path):
    with (
        limited(wall_base_s=0.05, wall_per_media_s=1e-9) as process,
        pytest.raises(DecoderTimedOut, match=r"wall_per_media_s"),
    ):
        process.decode(long_clip, SPAN, 60)


def repeated(path: Path, clip: Path, times: int) -> Path:
    """A clip several times in a row, its packets as they are."""
    with av.open(str(path), "w") as container:
        stream = None
        for turn in range(times):
            with av.open(str(clip)) as source:
                video = source.streams.video[0]
                stream = stream or container.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.dts is not None:
                        packet.pts += turn * video.duration
                        packet.dts += turn * video.duration
                        packet.stream = stream
                        container.mux(packet)
    return path


def test_cpu_time_is_limited(long_clip: Path, tmp_path: Path):
    path = repeated(tmp_path / "a.mp4", long_clip, times=10)  # the kernel counts whole seconds
    limits = DecoderLimits(cpu_base_s=0.01, cpu_per_media_s=1e-9)
    with DecoderProcess(DecoderSettings(limits=limits, analysis_width_px=640)) as process:
        assert process.probe(long_clip).width_px == 640
        with pytest.raises(DecoderTimedOut, match=r"cpu_per_media_s"):
            process.decode(path, SPAN, 60)


def test_memory_is_limited(tmp_path: Path):
    path = media.write_clip(
        tmp_path / "a.mkv", (0.12,), codec="ffv1", codec_options={}, size=(7680, 4320), sound_codec=None
    )
    with limited(address_space_mib=512) as process, pytest.raises(DecoderOutOfMemory, match=r"512 MiB"):
        process.decode(path, SPAN, 60)
    with limited() as process:
        assert process.decode(path, SPAN, 60)[0]["frames_decoded"] == 3


def test_a_child_never_outlives_its_parent(long_clip: Path):
    script = (
        "import sys, time; from actors.decoder_process import DecoderProcess;"
        "from footage.settings import DecoderSettings;"
        "process = DecoderProcess(DecoderSettings()); print(process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    wait_until_gone(child)


def test_closing_ends_the_child(long_clip: Path):
    process = limited()
    pid = process.pid
    process.close()
    assert pid is not None
    assert not is_running(pid)
    assert process.probe(long_clip).width_px == 640  # and a later request starts another
    process.close()


def test_the_child_gets_no_secrets(long_clip: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    with limited() as process:
        process.probe(long_clip)
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"hunter2" not in environment


def test_an_answer_comes_in_pieces():
    message = b'{"a": 1, "blobs": [3, 0, 2]}\nabcxy'
    answer = Answer(max_bytes=100)
    for byte in message[:-1]:
        answer.add(bytes([byte]))
        assert not answer.is_complete
    answer.add(message[-1:])
    assert answer.parts() == ({"a": 1}, [b"abc", b"", b"xy"])


@pytest.mark.parametrize(
    "line", [b"stray print\n", b"[]\n", b'{"a": 1}\n', b'{"blobs": [-1]}\n', b'{"blobs": [101]}\n']
)
def test_what_is_no_answer_is_refused(line: bytes):
    with pytest.raises(ValueError, match=r"\w"):
        Answer(max_bytes=100).add(line)
