"""What the decoder process is asked for and what it finds: the records of one decoding pass."""

from dataclasses import dataclass
from pathlib import Path

from actors.key_frames import ScenePictures


@dataclass(frozen=True, slots=True)
class SpanRequest:
    """What to decode: [start_s, end_s) of a video, and what the probe said of it."""

    path: Path
    start_s: float
    end_s: float
    is_last: bool  # reads on to the end of the file
    first_frame_s: float
    has_audio: bool
    has_timestamps: bool
    sampled_s: float | None = None  # length of the video over which sound is sampled for its language; None: it is not

    @property
    def is_first(self) -> bool:
        """Whether the span owns the video's start."""
        return self.start_s <= 0


@dataclass(frozen=True, slots=True)
class SceneResult:
    """One scene, [start_s, end_s) of video time, with its pictures."""

    start_s: float
    end_s: float
    pictures: ScenePictures


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What a pass found; see records.DecodedSpan."""

    scenes: list[SceneResult]
    audio_s16: bytes
    audio_start_s: float
    frames_decoded: int
    frames_damaged: int
    sound_damaged: int  # packets of sound that the codec refused and that are left out
    sound_track: str  # which of several is heard, in words; empty without a choice
