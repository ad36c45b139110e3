"""What goes into the vector index and what comes out of it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from footage.records import SceneVectors, SparseVector, Vector

VectorName = Literal["transcript", "transcript_sparse", "visual", "caption"]
# What a search asks for: each vector by the query's text, and the picture's (`visual`) by a picture as well.
ListName = Literal["transcript", "transcript_sparse", "visual", "caption", "image"]


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """What the vectors of an index are. Vectors of other models cannot be compared with them."""

    text_model: str
    text_dimensions: int
    vision_model: str
    vision_dimensions: int
    sparse_idf: bool  # scale sparse weights by rarity: right for a bag of tokens, not for BGE-M3's learned weights


@dataclass(frozen=True, slots=True)
class ScenePoint:
    """A scene as the index holds it. `generation` is the pipeline fingerprint that made it."""

    scene_id: str
    video_id: str
    workspace: str
    start_s: float
    end_s: float
    language: str
    generation: str
    sidecar_key: str
    thumbnail_key: str
    vectors: SceneVectors
    tags: tuple[str, ...] = ()
    indexed_at: float = 0.0  # POSIX seconds
    claim_generation: int = 1  # of the claim under which it was written; see VectorIndex.publish


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point as it lies in the index, seen by searches or not yet."""

    point: ScenePoint
    live: bool


@dataclass(frozen=True, slots=True)
class ScanPage:
    """A part of an index in the index's own order."""

    points: tuple[StoredPoint, ...]
    next: str | None  # where the next page begins; None after the last one


@dataclass(frozen=True, slots=True)
class VideoPoint:
    """A video as the index holds it, by its description."""

    video_id: str
    workspace: str
    language: str
    vector: Vector  # of the text model


@dataclass(frozen=True, slots=True)
class VideoHit:
    """A video whose description is near; `score` is the cosine."""

    video_id: str
    score: float


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """One list to ask for: the scenes whose vector of this name is nearest."""

    list_name: ListName
    vector: Vector | SparseVector

    @property
    def vector_name(self) -> VectorName:
        """Which vector of the scenes it is compared with."""
        return "visual" if self.list_name == "image" else self.list_name


@dataclass(frozen=True, slots=True)
class SceneFilter:
    """Which scenes count. None, or empty, means all; a scene counts if any part of it lies in [start_s, end_s)."""

    workspace: str
    video_ids: tuple[str, ...] = ()
    language: str | None = None
    tags: tuple[str, ...] = ()  # all of them
    start_s: float | None = None
    end_s: float | None = None
    min_duration_s: float | None = None  # at least
    max_duration_s: float | None = None  # at most
    indexed_since: float | None = None  # POSIX seconds; at or after
    live_only: bool = True
    scene_ids: tuple[str, ...] = ()


class IndexHit(NamedTuple):
    """A scene in one list. `score` is the cosine, or the dot product of a sparse list.

    A tuple, since a search makes hundreds and may send them from one process to another.
    """

    scene_id: str
    video_id: str
    generation: str
    score: float
    indexed_at: float  # POSIX seconds
