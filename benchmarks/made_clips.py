"""Clips for benchmarks: textured pictures that pan, as costly to decode as camera footage, with a given sound."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

RATE = 25
SCENE_S = 4.0
SOUND_RATE_HZ = 48_000
_H264 = {"preset": "veryfast", "crf": "23", "g": "50"}


def textured_pictures(width: int, height: int, seconds: float, seed: int = 1) -> Iterator[npt.NDArray[np.uint8]]:
    """RGB pictures (height, width, 3), RATE a second: scenes of SCENE_S, each a grainy still that pans."""
    random = np.random.default_rng(seed)
    per_scene = round(SCENE_S * RATE)
    for number in range(round(seconds * RATE)):
        shift = number % per_scene
        if shift == 0:
            coarse = random.integers(0, 255, (height // 24, width // 24 + 8, 3), np.uint8)
            still = av.VideoFrame.from_ndarray(coarse, "rgb24")
            still = still.reformat(width + 256, height, "rgb24", interpolation="BICUBIC").to_ndarray()
            grain = random.integers(0, 12, still.shape, np.uint8)
            scene = np.clip(still.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        yield np.ascontiguousarray(scene[:, shift : shift + width])


def noise(seconds: float, seed: int = 1) -> npt.NDArray[np.float32]:
    """Two channels of quiet noise at 48 kHz, (2, samples)."""
    random = np.random.default_rng(seed)
    return random.normal(0, 0.05, (2, round(seconds * SOUND_RATE_HZ))).astype(np.float32)


def sound_of(clip: Path) -> npt.NDArray[np.float32]:
    """The sound of a clip as two channels at 48 kHz, (2, samples)."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND_RATE_HZ)
    with av.open(str(clip)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray() for frame in [*frames, *resampler.resample(None)]], axis=1)


def write_clip(path: Path, width: int, height: int, sound: npt.NDArray[np.float32], seed: int = 1) -> None:
    """An H.264 and AAC clip as long as its sound."""
    seconds = sound.shape[1] / SOUND_RATE_HZ
    per_frame = SOUND_RATE_HZ // RATE
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options=_H264)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        heard = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo")
        for number, picture in enumerate(textured_pictures(width, height, seconds, seed)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
            block = np.ascontiguousarray(sound[:, number * per_frame : (number + 1) * per_frame])
            if block.shape[1]:
                part = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
                part.sample_rate, part.pts = SOUND_RATE_HZ, number * per_frame
                part.time_base = Fraction(1, SOUND_RATE_HZ)
                container.mux(heard.encode(part))
        container.mux(video.encode())
        container.mux(heard.encode())


def copy_with_other_bytes(clip: Path, copy: Path, number: int) -> None:
    """A copy that is a video of its own: a `free` box with a number is appended (ISO 14496-12), which nobody reads."""
    copy.write_bytes(clip.read_bytes() + struct.pack(">I4sQ", 16, b"free", number))
