"""Makes videos with several sound tracks; see media.py for the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.stream import Disposition

from tests.media import H264, RATE, SIZE, SOUND_RATE_HZ, scene_pictures, tone
from tests.media_damage import spoil

BLOCK = 1024
NOTHING_SPECIAL = Disposition(0)
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Track:
    """One sound track: mono samples at media.SOUND_RATE_HZ from time 0 on, and what the container says of it."""

    samples: Samples
    language: str | None = None
    is_default: bool = False
    disposition: Disposition = NOTHING_SPECIAL
    codec: str = "aac"


def hum(seconds: float, pitch_hz: float) -> Samples:
    """A steady tone."""
    at = np.arange(round(seconds * SOUND_RATE_HZ)) / SOUND_RATE_HZ
    return (10_000 * np.sin(2 * np.pi * pitch_hz * at)).astype(np.int16)


def silence(seconds: float) -> Samples:
    """Samples that are all 0."""
    return tone(0.0, seconds)


def write_tracks(
    path: Path, tracks: Sequence[Track], scenes_s: Sequence[float] = (2.0, 2.0), container_format: str | None = None
) -> Path:
    """Writes the scenes of media.write_clip with these sound tracks, in this order."""
    with av.open(str(path), "w", format=container_format) as container:
        video = container.add_stream("libx264", rate=RATE, options=H264)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        sounds = []
        for track in tracks:
            sound = container.add_stream(track.codec, rate=SOUND_RATE_HZ, layout="mono")
            if track.language is not None:
                sound.metadata["language"] = track.language
            sound.disposition = track.disposition | (Disposition.default if track.is_default else NOTHING_SPECIAL)
            sounds.append((sound, _blocks(track)))
        waiting = [(sound, blocks, next(blocks, None)) for sound, blocks in sounds]
        for number, image in enumerate(scene_pictures(scenes_s)):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
            for position, (sound, blocks, block) in enumerate(waiting):
                while block is not None and block.time <= number / RATE:
                    container.mux(sound.encode(block))
                    block = next(blocks, None)
                waiting[position] = (sound, blocks, block)
        container.mux(video.encode())
        for sound, blocks, block in waiting:
            for last in (block, *blocks):
                if last is not None:
                    container.mux(sound.encode(last))
            container.mux(sound.encode())
    return path


def spoil_track(path: Path, number: int) -> Path:
    """Replaces every packet of the sound track of this number by nonsense."""
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(audio=number) if packet.size]
    return spoil(path, places)


def _blocks(track: Track) -> Iterator[av.AudioFrame]:
    for offset in range(0, len(track.samples), BLOCK):
        part = track.samples[None, offset : offset + BLOCK]
        is_float = track.codec != "pcm_s16le"
        data = (part / 32768).astype(np.float32) if is_float else part
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), "fltp" if is_float else "s16", "mono")
        block.sample_rate, block.pts, block.time_base = SOUND_RATE_HZ, offset, Fraction(1, SOUND_RATE_HZ)
        yield block
