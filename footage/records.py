"""The records that pass between actors: what footage knows in memory. What is stored is in sidecar.py."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

AUDIO_RATE_HZ = 16_000  # what Whisper hears; the decoder resamples to it


@dataclass(frozen=True, slots=True)
class Source:
    """One file or one object of a bucket; `etag` changes when its content does."""

    uri: str
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Video:
    """What a probe of the container says. Times are seconds of video time, which starts at the container's start."""

    duration_s: float
    first_frame_s: float
    width_px: int  # as shown: after rotation
    height_px: int
    rotation_deg: int  # 0, 90, 180 or 270, counter-clockwise, already applied to width and height
    frame_rate: float  # average, frames per second
    video_codec: str
    has_audio: bool
    has_timestamps: bool  # False: frames carry no usable times; they are counted instead


@dataclass(frozen=True, slots=True)
class Span:
    """A time range [start_s, end_s) of one video: the unit of work, retry and commit."""

    index: int
    start_s: float
    end_s: float  # the last span of a video reads on to the end of the file, whatever this says


@dataclass(frozen=True, slots=True)
class Scene:
    """What lies between two cuts, [start_s, end_s) of video time."""

    scene_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word, in video time."""

    start_s: float
    end_s: float
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of words that the speech model gave as one, in video time."""

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in one scene; `text` is empty where nothing is."""

    text: str
    language: str  # ISO 639-1; empty where nothing is said
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class DecodedScene:
    """A scene with its pictures: key frames in time order and a thumbnail, all JPEG."""

    scene: Scene
    key_frames: tuple[bytes, ...]
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class DecodedSpan:
    """What one decoding pass over a span gives. Its scenes follow each other without a gap."""

    scenes: tuple[DecodedScene, ...]
    audio_s16: bytes  # mono, AUDIO_RATE_HZ, signed 16 bit little-endian; empty without sound
    audio_start_s: float  # video time of the first sample
    frames_decoded: int
    frames_damaged: int  # packets that the codec refused
    language_audio_s16: bytes | None = None  # sound from all over the video, as audio_s16; None where not asked for


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Weights of vocabulary entries; `indices` are token ids, ascending."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SceneVectors:
    """The vectors of one scene; None where there was nothing to embed. Dense ones have unit length."""

    scene_id: str
    transcript: Vector | None
    transcript_sparse: SparseVector | None
    visual: Vector | None
    caption: Vector | None = None  # of the same model as `transcript`


@dataclass(frozen=True, slots=True)
class SceneToCaption:
    """What a vision-language model is shown of one scene."""

    scene_id: str
    key_frames: tuple[bytes, ...]  # JPEG, in time order
    transcript: str  # empty where nothing is said


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """The vectors of one query text, to be compared with those of scenes (`transcript` also with captions and
    descriptions). Dense ones have unit length.
    """

    transcript: Vector
    transcript_sparse: SparseVector
    visual: Vector
