"""CPU seconds of one span through VideoDecoder, against ffmpeg that only decodes the same file.

Both sides use one thread. VideoDecoder gives cuts, JPEG key frames and 16 kHz sound; `ffmpeg -f null -` decodes picture
and sound and throws both away, so the ratio is what footage adds to decoding. The decoder process is warm (its start is
paid once, not per span); its CPU time is read from /proc before and after, that of this process is added. Runs of both
sides alternate, so that a busy machine slows both. The last line on stdout is one JSON object.

Run: python -m benchmarks.decode [--repeats 5]. Needs Debian's ffmpeg.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from actors.video_decoder import VideoDecoder
from benchmarks.made_clips import RATE, SCENE_S, noise, write_clip
from footage.decoder_settings import DecoderSettings
from footage.records import Span

CLIPS = {"1080p": (1920, 1080, 40), "360p": (640, 360, 120)}  # width, height, seconds
TARGET_1080P = 1.30


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used (user and system)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_children() -> float:
    """CPU seconds of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def decode(decoder: VideoDecoder, path: Path, seconds: int) -> None:
    """Decodes one span that is the whole clip."""
    span = decoder.decode(
        path,
        str(uuid.UUID(int=1)),
        Span(0, 0.0, float(seconds)),
        is_last=True,
        first_frame_s=0.0,
        has_audio=True,
        has_timestamps=True,
    )
    expected = seconds // round(SCENE_S)
    if len(span.scenes) != expected:
        raise RuntimeError(f"{len(span.scenes)} scenes instead of {expected}: this run measures nothing")


def footage_cpu_s(decoder: VideoDecoder, path: Path, seconds: int) -> float:
    """CPU seconds of decoding the clip with footage, the decoder process included."""
    pid = decoder.pid
    if pid is None:
        raise RuntimeError("the decoder process is not warm")
    own, child = time.process_time(), cpu_of(pid)
    decode(decoder, path, seconds)
    if decoder.pid != pid:
        raise RuntimeError("the decoder process died: this run measures nothing")
    return time.process_time() - own + cpu_of(pid) - child


def ffmpeg_cpu_s(path: Path) -> float:
    """CPU seconds of ffmpeg decoding the clip on one thread."""
    before = cpu_of_children()
    command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", str(path), "-f", "null", "-"]
    subprocess.run(command, check=True)
    return cpu_of_children() - before


def main() -> None:
    """Makes the clips, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    if shutil.which("ffmpeg") is None:
        sys.exit("This benchmark compares with ffmpeg, which is missing. Install it: apt-get install ffmpeg")
    result: dict[str, object] = {}
    decoder = VideoDecoder(DecoderSettings())
    with tempfile.TemporaryDirectory() as folder:
        for name, (width, height, seconds) in CLIPS.items():
            path = Path(folder) / f"{name}.mp4"
            write_clip(path, width, height, noise(seconds))
            decode(decoder, path, seconds)  # the process has started, the file is in memory
            ours, theirs = [], []
            for repeat in range(repeats):
                ours.append(footage_cpu_s(decoder, path, seconds))
                theirs.append(ffmpeg_cpu_s(path))
                print(
                    f"{name} run {repeat + 1}: footage {ours[-1]:.2f} CPU s, ffmpeg {theirs[-1]:.2f} CPU s", flush=True
                )
            result[f"ratio_{name}"] = round(statistics.median(ours) / statistics.median(theirs), 3)
            result[f"footage_cpu_s_{name}"] = round(statistics.median(ours), 2)
            result[f"ffmpeg_cpu_s_{name}"] = round(statistics.median(theirs), 2)
            result[f"frames_{name}"] = seconds * RATE
            result[f"megabytes_{name}"] = round(path.stat().st_size / 1e6, 1)
    decoder.close()
    result["target_ratio_1080p"] = TARGET_1080P
    result["repeats"] = repeats
    result["load_average"] = [round(load, 2) for load in os.getloadavg()]
    result["how"] = (
        "median CPU seconds (user + system) of one span through a warm VideoDecoder, its process included (cuts, key "
        "frames, 16 kHz sound), over those of `ffmpeg -threads 1 -i X -f null -`; runs alternate; clips are made for it"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
