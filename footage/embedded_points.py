"""Scenes as points of Qdrant's engine in process, there and back; index_payload.py says which fields they have."""

from pathlib import Path
from typing import Any

import qdrant_edge as edge

from footage.embedded_shard import FLOAT, INTEGER, KEYWORD, equals, make_shard
from footage.identity import point_id
from footage.index_payload import SPARSE, dense_vectors, dimensions, hit, payload
from footage.index_records import IndexHit, IndexSpec, SceneFilter, ScenePoint
from footage.records import SceneVectors, SparseVector, Vector

_FIELDS = {
    "scene_id": KEYWORD,
    "video_id": KEYWORD,
    "language": KEYWORD,
    "tags": KEYWORD,
    "start_s": FLOAT,
    "end_s": FLOAT,
    "duration_s": FLOAT,
    "indexed_at": FLOAT,
    "live": INTEGER,
}


def make_scenes(path: Path, spec: IndexSpec) -> Path:
    """Make an empty shard of scenes aside; see make_shard."""
    dense = {
        name: edge.EdgeVectorParams(size=size, distance=edge.Distance.Cosine) for name, size in dimensions(spec).items()
    }
    config = edge.EdgeConfig(
        vectors=dense,
        sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if spec.sparse_idf else None)},
        wal_enabled=True,  # without it a killed process loses everything since the last flush
    )
    return make_shard(path, config, _FIELDS)


def engine_id(point: ScenePoint) -> str:
    """Under which id the engine holds a scene."""
    return point_id(point.scene_id, point.generation)


def engine_point(point: ScenePoint, named: dict[str, Any], live: bool) -> edge.Point:
    """A scene for the engine, with what named_vectors() gave for it."""
    return edge.Point(engine_id(point), named, payload(point, live))


def named_vectors(vectors: SceneVectors, spec: IndexSpec) -> dict[str, Any]:
    """The vectors that there are, by name, as the engine takes them; a scene may have none.

    Raises:
        IndexMismatch: one has another length than `spec` says, or is not finite.
    """
    named = {name: engine_vector(vector) for name, vector in dense_vectors(vectors, spec).items()}
    if vectors.transcript_sparse is not None:
        named[SPARSE] = engine_vector(vectors.transcript_sparse)
    return named


def engine_vector(vector: Vector | SparseVector) -> Any:
    """A vector as the engine takes it."""
    if isinstance(vector, SparseVector):
        return edge.SparseVector(list(vector.indices), list(vector.values))
    return vector.tolist()


def engine_hit(scored: Any) -> IndexHit:
    """A scene that was found."""
    return hit(scored.payload, scored.score)


def engine_filter(where: SceneFilter) -> edge.Filter:
    """The points that count."""
    must: list[Any] = [equals("workspace", where.workspace)]
    if where.live_only:
        must.append(equals("live", 1))
    for field, ids in (("scene_id", where.scene_ids), ("video_id", where.video_ids)):
        if ids:
            must.append(edge.FieldCondition(key=field, match=edge.MatchAny(list(ids))))
    if where.language is not None:
        must.append(equals("language", where.language))
    must.extend(equals("tags", tag) for tag in where.tags)
    if where.start_s is not None:
        must.append(edge.FieldCondition(key="end_s", range=edge.RangeFloat(gt=where.start_s)))
    if where.end_s is not None:
        must.append(edge.FieldCondition(key="start_s", range=edge.RangeFloat(lt=where.end_s)))
    if where.min_duration_s is not None or where.max_duration_s is not None:
        lasting = edge.RangeFloat(gte=where.min_duration_s, lte=where.max_duration_s)
        must.append(edge.FieldCondition(key="duration_s", range=lasting))
    if where.indexed_since is not None:
        must.append(edge.FieldCondition(key="indexed_at", range=edge.RangeFloat(gte=where.indexed_since)))
    return edge.Filter(must=must)
