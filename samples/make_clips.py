"""Makes the sample clips and their truth file: `python -m samples.make_clips`.

Needs PyAV, numpy, Pillow and espeak-ng. The result is the same bytes each time as long as
espeak-ng and the encoders inside PyAV are the same versions.
"""

import argparse
import json
import math
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from samples.drawing import Variation, draw_background, draw_shape
from samples.storyboard import CLIPS, FADE_S, Clip, Shot

CODED_SIZE_PX = (640, 360)
SAMPLE_RATE_HZ = 22050  # what espeak-ng speaks with: no resampling
SPEECH_MARGIN_S = 0.3  # between a sentence and the cuts around it
MOTION = 0.05  # how far a shape sways, as a share of the shorter side
MOTION_PERIOD_S = 3.2
HERE = Path(__file__).resolve().parent

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Spoken:
    """One sentence in a clip: its times from the start of the clip, and its sound."""

    text: str
    start_s: float
    end_s: float
    sound: Samples


@dataclass(frozen=True)
class Timeline:
    """Times in seconds of all frames of a clip, and the first frame of each shot."""

    frame_s: list[Fraction]
    end_s: Fraction
    first_frames: list[int]

    def bounds_s(self, shot: int) -> tuple[float, float]:
        """Start and end of a shot in seconds."""
        starts = [self.frame_s[first] for first in self.first_frames] + [self.end_s]
        return float(starts[shot]), float(starts[shot + 1])


def plan_frames(clip: Clip) -> Timeline:
    """The times of the frames of a clip; a shot begins with the first frame at or after its mark.

    With `steps_ms` the steps from frame to frame follow that list again and again.
    """
    marks = [sum(shot.length_s for shot in clip.shots[: i + 1]) for i in range(len(clip.shots))]
    steps = [Fraction(step, 1000) for step in clip.steps_ms] or [1 / clip.rate]
    frame_s: list[Fraction] = []
    first_frames, now = [0], Fraction(0)
    while now < marks[-1] - 1e-6:
        if now >= marks[len(first_frames) - 1] - 1e-6:
            first_frames.append(len(frame_s))
        frame_s.append(now)
        now += steps[(len(frame_s) - 1) % len(steps)]
    return Timeline(frame_s, now, first_frames)


def speak(text: str) -> Samples:
    """The sentence spoken by espeak-ng, silence before and after it removed.

    Raises SystemExit with a sentence when espeak-ng is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise SystemExit("espeak-ng is not installed; run: apt-get install espeak-ng")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        subprocess.run([program, "-v", "en-us", "-s", "140", "-w", str(path), text], check=True, capture_output=True)
        with wave.open(str(path)) as sound:
            if sound.getframerate() != SAMPLE_RATE_HZ:
                raise ValueError(f"espeak-ng spoke at {sound.getframerate()} samples a second.")
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 200)
    return samples[loud[0] : loud[-1] + 1]


def narrate(clip: Clip, timeline: Timeline) -> list[list[Spoken]]:
    """The sentences of each shot; a sentence that leaves its shot or meets another is an error."""
    shots = []
    for number, shot in enumerate(clip.shots):
        shot_start_s, shot_end_s = timeline.bounds_s(number)
        free_s, spoken = shot_start_s + SPEECH_MARGIN_S, []
        for line in shot.lines:
            sound = speak(line.text)
            start_s = shot_start_s + line.after_s
            end_s = start_s + len(sound) / SAMPLE_RATE_HZ
            if start_s < free_s or end_s > shot_end_s - SPEECH_MARGIN_S:
                raise ValueError(
                    f"{clip.name}: {line.text!r} takes {start_s:.2f}-{end_s:.2f} s, but its place "
                    f"is {free_s:.2f}-{shot_end_s - SPEECH_MARGIN_S:.2f} s."
                )
            spoken.append(Spoken(line.text, round(start_s, 3), round(end_s, 3), sound))
            free_s = end_s + SPEECH_MARGIN_S
        shots.append(spoken)
    return shots


def mix(spoken: list[Spoken], length_s: float) -> Samples:
    """One mono track of the whole clip: the sentences, and silence between them."""
    track = np.zeros(math.ceil(length_s * SAMPLE_RATE_HZ), np.int16)
    for line in spoken:
        start = round(line.start_s * SAMPLE_RATE_HZ)
        track[start : start + len(line.sound)] = line.sound
    return track


def brightness(shot: Shot, after_s: float) -> float:
    """Factor on all pixels: below 1 only while the shot fades, 0 at the middle of the fade."""
    if shot.fade_at_s is None:
        return 1.0
    return min(1.0, abs(after_s - shot.fade_at_s) / (FADE_S / 2))


def draw_frames(clip: Clip, timeline: Timeline) -> list[Image.Image]:
    """All pictures of a clip as a player shows them, the rotation not yet applied."""
    width_px, height_px = CODED_SIZE_PX if clip.rotation % 180 == 0 else CODED_SIZE_PX[::-1]
    pictures = []
    ends = [*timeline.first_frames[1:], len(timeline.frame_s)]
    for shot, first, end in zip(clip.shots, timeline.first_frames, ends, strict=True):
        background = draw_background(shot.scene, width_px, height_px)
        for frame in range(first, end):
            after_s = float(timeline.frame_s[frame] - timeline.frame_s[first])
            turn = 2 * math.pi * after_s / MOTION_PERIOD_S
            picture = background.copy()
            sway = Variation(shift_x=MOTION * math.sin(turn), shift_y=MOTION / 2 * math.cos(turn))
            draw_shape(picture, shot.scene, sway)
            light = brightness(shot, after_s)
            pictures.append(picture.point(lambda value, light=light: round(value * light)))
    return pictures


def write_clip(path: Path, clip: Clip, timeline: Timeline, track: Samples) -> None:
    """Encode one clip as mp4: H.264, and AAC if the clip has sound."""
    # bitexact leaves dates and program versions out of the file.
    with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        time_base = Fraction(1, 1000) if clip.steps_ms else 1 / clip.rate
        video = container.add_stream("libx264", rate=clip.rate)
        video.width, video.height = CODED_SIZE_PX
        video.pix_fmt, video.time_base = "yuv420p", time_base
        video.codec_context.time_base = time_base
        # One thread: with more the bytes may depend on the machine. A key frame at least every
        # two seconds keeps seeking quick.
        video.options = {"preset": "slow", "crf": str(clip.quality_crf), "g": "50", "threads": "1"}
        video.options |= {"flags": "+bitexact"}
        if clip.rotation:
            video.set_display_rotation(clip.rotation)
        sound = None
        if clip.has_audio:
            sound = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
            sound.bit_rate, sound.options = 40_000, {"flags": "+bitexact"}
        for picture, time_s in zip(draw_frames(clip, timeline), timeline.frame_s, strict=True):
            # The player turns by `rotation` counter-clockwise, so the coded picture is turned back.
            coded = picture.rotate(-clip.rotation, expand=True) if clip.rotation else picture
            frame = av.VideoFrame.from_image(coded)
            frame.pts, frame.time_base = int(time_s / time_base), time_base
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            for start in range(0, len(track), 1024):
                piece = track[None, start : start + 1024]
                samples = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
                samples.sample_rate, samples.pts = SAMPLE_RATE_HZ, start
                samples.time_base = Fraction(1, SAMPLE_RATE_HZ)
                container.mux(sound.encode(samples))
            container.mux(sound.encode())


def describe(clip: Clip, timeline: Timeline, narration: list[list[Spoken]]) -> dict[str, Any]:
    """The entry of one clip in truth.json; times in seconds from the first frame."""
    scenes, fades = [], []
    for number, (shot, spoken) in enumerate(zip(clip.shots, narration, strict=True)):
        start_s, end_s = timeline.bounds_s(number)
        if shot.fade_at_s is not None:
            middle_s = start_s + shot.fade_at_s
            fades.append({"start_s": middle_s - FADE_S / 2, "end_s": middle_s + FADE_S / 2})
        lines = [{"start_s": s.start_s, "end_s": s.end_s, "text": s.text} for s in spoken]
        scenes.append(
            {
                "start_s": round(start_s, 3),
                "end_s": round(end_s, 3),
                "spoken": " ".join(line.text for line in spoken),
                "lines": lines,
                "shown": shot.scene.words(),
            }
        )
    length_s = float(timeline.end_s)
    return {
        "file": f"{clip.name}.mp4",
        "duration_s": round(length_s, 3),
        "frames": len(timeline.frame_s),
        "frame_rate": round(len(timeline.frame_s) / length_s, 3),
        "has_variable_frame_rate": bool(clip.steps_ms),
        "rotation": clip.rotation,
        "has_audio": clip.has_audio,
        "spoken": " ".join(line.text for spoken in narration for line in spoken),
        "cuts": [
            {"frame": first, "time_s": round(float(timeline.frame_s[first]), 3)} for first in timeline.first_frames[1:]
        ],
        "fades": fades,
        "scenes": scenes,
    }


def main() -> None:
    """Write all clips and truth.json."""
    parser = argparse.ArgumentParser(description="Make the sample clips and truth.json.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for clips/ and truth.json")
    folder: Path = parser.parse_args().out
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    truth = []
    for clip in CLIPS:
        timeline = plan_frames(clip)
        narration = narrate(clip, timeline)
        track = mix([line for shot in narration for line in shot], float(timeline.end_s))
        path = folder / "clips" / f"{clip.name}.mp4"
        write_clip(path, clip, timeline, track)
        truth.append(describe(clip, timeline, narration))
        print(f"{path.name}: {float(timeline.end_s):.1f} s, {path.stat().st_size / 1000:.0f} kB")
    text = json.dumps({"schema_version": 1, "clips": truth}, indent=2)
    (folder / "truth.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
