"""Points as every engine keeps them: one flat payload, the same in all, so that points are copied as they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from footage.errors import IndexMismatch
from footage.index_records import IndexHit, IndexSpec, ScenePoint, StoredPoint, VideoHit, VideoPoint
from footage.records import SceneVectors, SparseVector, Vector

DENSE = ("transcript", "visual", "caption")
SPARSE = "transcript_sparse"
DESCRIPTION = "description"  # the vector of a video
SCORE_DIGITS = 6  # single precision has 7.2; sums of a few terms were seen to differ by 2e-7 of their value
HIT_FIELDS = tuple(name for name in IndexHit._fields if name != "score")
_POINT_FIELDS = tuple(field.name for field in fields(ScenePoint) if field.name not in ("vectors", "tags"))

Item = TypeVar("Item")


def dimensions(spec: IndexSpec) -> dict[str, int]:
    """How long each dense vector is."""
    return dict(zip(DENSE, (spec.text_dimensions, spec.vision_dimensions, spec.text_dimensions), strict=True))


def check_vector(what: str, vector: Vector, length: int) -> None:
    """Let a vector pass that an index can hold; engines would take NaN.

    Raises:
        IndexMismatch: it has another length or is not finite; the message begins with `what`.
    """
    if vector.shape != (length,) or not np.isfinite(vector).all():
        raise IndexMismatch(f"{what} has shape {vector.shape}; the index holds finite vectors of {length} numbers.")


def dense_vectors(vectors: SceneVectors, spec: IndexSpec) -> dict[str, Vector]:
    """The dense vectors that there are, by name; a scene may have none.

    Raises:
        IndexMismatch: one does not fit; the message names it and its scene.
    """
    there = {name: vector for name in DENSE if (vector := getattr(vectors, name)) is not None}
    for name, vector in there.items():
        check_vector(f"The {name} vector of scene {vectors.scene_id}", vector, dimensions(spec)[name])
    return there


def payload(point: ScenePoint, live: bool) -> dict[str, Any]:
    """All of a point but its vectors."""
    return {
        **{name: getattr(point, name) for name in _POINT_FIELDS},
        "tags": list(point.tags),
        "duration_s": round(point.end_s - point.start_s, 3),  # 7.3 - 2.3 is less than 5
        "live": int(live),  # a number: MatchValue(True) of qdrant-edge-py 0.9.0 finds no boolean
    }


def stored_point(record: Any) -> StoredPoint:
    """A scene of a record of any engine, as it went in; one that was read without vectors has none."""
    held: dict[str, Any] = record.payload or {}
    vectors: dict[str, Any] = record.vector or {}
    dense = {name: np.asarray(vectors[name], np.float32) for name in DENSE if name in vectors}
    sparse = vectors.get(SPARSE)
    point = ScenePoint(
        **{name: held[name] for name in _POINT_FIELDS},
        tags=tuple(held["tags"]),
        vectors=SceneVectors(
            scene_id=held["scene_id"],
            transcript=dense.get("transcript"),
            transcript_sparse=sparse and SparseVector(tuple(sparse.indices), tuple(sparse.values)),
            visual=dense.get("visual"),
            caption=dense.get("caption"),
        ),
    )
    return StoredPoint(point, live=bool(held["live"]))


def video_payload(point: VideoPoint) -> dict[str, Any]:
    """All of a video's point but its vector."""
    return {"video_id": point.video_id, "workspace": point.workspace, "language": point.language}


def video_point(record: Any) -> VideoPoint:
    """A video of a record of any engine, as it went in."""
    return VideoPoint(**record.payload, vector=np.asarray(record.vector[DESCRIPTION], np.float32))


def hit(payload: Mapping[str, Any], score: float) -> IndexHit:
    """A scene of one list."""
    return IndexHit(**{name: payload[name] for name in HIT_FIELDS}, score=score)


def in_order(hits: Iterable[IndexHit]) -> list[IndexHit]:
    """Best first; equal scores by scene and generation, so that fusion, which goes by ranks, is the same everywhere.

    Engines give equal scores in the order in which they happened to store the points, and add up the terms of a sparse
    score in any order: so scores are equal here that agree in SCORE_DIGITS digits. Which of them is in a list that ends
    amid equal scores stays the engine's choice.
    """
    return sorted(hits, key=lambda one: (-_rounded(one.score), one.scene_id, one.generation))


def videos_in_order(hits: Iterable[VideoHit]) -> list[VideoHit]:
    """Best first; equal scores, as in `in_order`, by video."""
    return sorted(hits, key=lambda one: (-_rounded(one.score), one.video_id))


def _rounded(score: float) -> float:
    """The score without the last digits, which depend on the order of additions."""
    return float(f"{score:.{SCORE_DIGITS}g}")


def by_place(point: ScenePoint) -> tuple[str, float, str, str]:
    """Key of the order that VectorIndex.points promises."""
    return (point.video_id, point.start_s, point.scene_id, point.generation)


def in_batches(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """What is written together, at most `size` at once."""
    for first in range(0, len(items), size):
        yield list(items[first : first + size])
