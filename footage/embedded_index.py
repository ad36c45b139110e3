"""The embedded index: Qdrant's own engine (qdrant-edge-py) in this process. Only embedded_*.py import it."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import qdrant_edge as edge

from footage.embedded_shard import (
    FLOAT,
    INTEGER,
    KEYWORD,
    PAGE_POINTS,
    check_vector,
    equals,
    make_shard,
    place_shard,
    read_through,
)
from footage.embedded_videos import EmbeddedVideos
from footage.errors import StoreError
from footage.identity import point_id
from footage.index_records import IndexHit, IndexSpec, SceneFilter, ScenePoint, VectorQuery, VideoHit, VideoPoint
from footage.index_spec import check_spec, write_spec
from footage.ownership import Ownership
from footage.records import SceneVectors, SparseVector, Vector

_DENSE = ("transcript", "visual", "caption")
_FIELDS = {
    "video_id": KEYWORD,
    "language": KEYWORD,
    "tags": KEYWORD,
    "start_s": FLOAT,
    "end_s": FLOAT,
    "live": INTEGER,
}


class EmbeddedIndex:
    """A VectorIndex (see there) owned by this process alone. Methods may be called from many threads.

    `path` is the engine's folder of scenes; `videos` beside it is that of descriptions, `path`.lock names the owner of
    both, and spec.json says what is stored. The engine damages the holder's files when a folder is opened twice, so
    the lock is always taken first.
    """

    def __init__(self, path: Path, spec: IndexSpec, owner: str, wait_s: float = 0, create: bool = True) -> None:
        """Open the index, waiting up to `wait_s` seconds for another owner; make it if it is not there.

        Raises:
            IndexBusy: another process has it; the message says which.
            IndexMismatch: it holds vectors of other models than `spec` says.
            StoreError: it is not there and `create` is False, or it lost a part.
        """
        if not create and not path.exists():
            raise StoreError(f"Nothing is indexed in {path.parent.parent} yet: run `footage index` first.")
        self._ownership = Ownership(path.with_name(path.name + ".lock"), owner, wait_s)
        with contextlib.ExitStack() as undo:
            undo.callback(self._ownership.release)
            videos = path.with_name("videos")
            if not path.exists():
                _create(path, videos, spec)
            check_spec(path, spec)
            if not videos.exists():
                raise StoreError(
                    f"The index {path} lost the folder {videos.name} beside it: remove the store {path.parent.parent}"
                    " and index again."
                )
            self._videos = EmbeddedVideos(videos, spec.text_dimensions)
            undo.callback(self._videos.close)
            self._shard = edge.EdgeShard.load(str(path))
            undo.pop_all()
        self._spec = spec
        self._open = True
        self._writing = threading.Lock()  # upsert looks before it writes

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """See VectorIndex."""
        for first in range(0, len(points), PAGE_POINTS):
            page = points[first : first + PAGE_POINTS]
            ids: list[Any] = [point_id(point.scene_id, point.generation) for point in page]
            named = [self._named(point.vectors) for point in page]
            with self._writing:
                held = self._shard.retrieve(ids, ["live"], False)
                known = {str(record.id) for record in held if record.payload and record.payload["live"]}
                written = [
                    edge.Point(id_, vectors, _payload(point, live=id_ in known))
                    for id_, vectors, point in zip(ids, named, page, strict=True)
                ]
                self._shard.update(edge.UpdateOperation.upsert_points(written))
        if points:
            self._shard.flush()  # its log is not synced, and the span's record, which follows, is

    def publish(self, workspace: str, video_id: str, generation: str) -> None:
        """See VectorIndex. Between its two steps a search may see both generations, never none."""
        this = equals("generation", generation)
        video: list[Any] = [equals("workspace", workspace), equals("video_id", video_id)]
        others = edge.Filter(must=video, must_not=[this])
        with self._writing:
            self._shard.update(
                edge.UpdateOperation.set_payload_by_filter(edge.Filter(must=[*video, this]), {"live": 1})
            )
            if self._shard.count(edge.CountRequest(exact=True, filter=others)):
                self._videos.delete(workspace, video_id)
                self._shard.update(edge.UpdateOperation.delete_points_by_filter(others))
        self._shard.flush()

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex."""
        scope = _filter(where)
        # Rarity is counted among the scenes of the workspace: what other workspaces hold must not show in the scores.
        rarity = edge.IdfParams(corpus=_filter(SceneFilter(where.workspace)))
        requests = [
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(_engine_vector(query.vector), using=query.list_name),
                filter=scope,
                with_payload=True,
                params=edge.SearchParams(idf=rarity)
                if isinstance(query.vector, SparseVector) and self._spec.sparse_idf
                else None,
            )
            for query in queries
        ]
        answers = self._shard.query_batch(edge.QueryBatchRequest(requests))
        return [[_hit(scored.payload or {}, scored.score) for scored in answer] for answer in answers]

    def delete_video(self, workspace: str, video_id: str) -> None:
        """See VectorIndex."""
        where = edge.Filter(must=[equals("workspace", workspace), equals("video_id", video_id)])
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(where))
        self._shard.flush()
        self._videos.delete(workspace, video_id)

    def count(self, where: SceneFilter) -> int:
        """See VectorIndex."""
        return int(self._shard.count(edge.CountRequest(exact=True, filter=_filter(where))))

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex."""
        found = [_scene_point(record.payload, record.vector) for record in read_through(self._shard, _filter(where))]
        return sorted(found, key=lambda point: (point.video_id, point.start_s, point.scene_id, point.generation))

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """See VectorIndex."""
        self._videos.put(points)

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex."""
        return self._videos.search(vector, workspace, video_ids, limit)

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """See VectorIndex."""
        return self._videos.all(workspace)

    def close(self) -> None:
        """See VectorIndex; again is fine."""
        if self._open:
            self._open = False
            self._videos.close()
            self._shard.flush()
            self._shard.close()
            self._ownership.release()

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _named(self, vectors: SceneVectors) -> dict[str, Any]:
        """The vectors that there are, by name; a scene may have none."""
        sizes = _dimensions(self._spec)
        named: dict[str, Any] = {}
        for name in _DENSE:
            vector = getattr(vectors, name)
            if vector is not None:
                check_vector(f"The {name} vector of scene {vectors.scene_id}", vector, sizes[name])
                named[name] = _engine_vector(vector)
        if vectors.transcript_sparse is not None:
            named["transcript_sparse"] = _engine_vector(vectors.transcript_sparse)
        return named


def _dimensions(spec: IndexSpec) -> dict[str, int]:
    sizes = (spec.text_dimensions, spec.vision_dimensions, spec.text_dimensions)
    return dict(zip(_DENSE, sizes, strict=True))


def _create(path: Path, videos: Path, spec: IndexSpec) -> None:
    """Make the folders and what says what is in them; the scenes come last, so that where they are, all is."""
    dense = {
        name: edge.EdgeVectorParams(size=size, distance=edge.Distance.Cosine)
        for name, size in _dimensions(spec).items()
    }
    config = edge.EdgeConfig(
        vectors=dense,
        sparse_vectors={
            "transcript_sparse": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if spec.sparse_idf else None)
        },
        wal_enabled=True,  # without it a killed process loses everything since the last flush
    )
    made = make_shard(path, config, _FIELDS)
    EmbeddedVideos.create(videos, spec.text_dimensions)
    write_spec(path, spec)
    place_shard(made, path)


def _engine_vector(vector: Vector | SparseVector) -> Any:
    if isinstance(vector, SparseVector):
        return edge.SparseVector(list(vector.indices), list(vector.values))
    return vector.tolist()


def _payload(point: ScenePoint, live: bool) -> dict[str, Any]:
    return {
        "scene_id": point.scene_id,
        "video_id": point.video_id,
        "workspace": point.workspace,
        "start_s": point.start_s,
        "end_s": point.end_s,
        "language": point.language,
        "tags": list(point.tags),
        "generation": point.generation,
        "sidecar_key": point.sidecar_key,
        "thumbnail_key": point.thumbnail_key,
        "live": int(live),  # a number: MatchValue(True) of qdrant-edge-py 0.9.0 finds no boolean
    }


def _scene_point(payload: dict[str, Any], vectors: dict[str, Any]) -> ScenePoint:
    names = (field.name for field in fields(ScenePoint) if field.name not in ("vectors", "tags"))
    sparse = vectors.get("transcript_sparse")
    dense = {name: np.asarray(vectors[name], np.float32) for name in _DENSE if name in vectors}
    return ScenePoint(
        **{name: payload[name] for name in names},
        tags=tuple(payload["tags"]),
        vectors=SceneVectors(
            scene_id=payload["scene_id"],
            transcript=dense.get("transcript"),
            transcript_sparse=sparse and SparseVector(tuple(sparse.indices), tuple(sparse.values)),
            visual=dense.get("visual"),
            caption=dense.get("caption"),
        ),
    )


def _hit(payload: dict[str, Any], score: float) -> IndexHit:
    names = ("scene_id", "video_id", "start_s", "end_s", "language", "generation", "sidecar_key", "thumbnail_key")
    return IndexHit(**{name: payload[name] for name in names}, score=score)


def _filter(where: SceneFilter) -> edge.Filter:
    must: list[Any] = [equals("workspace", where.workspace)]
    if where.live_only:
        must.append(equals("live", 1))
    if where.video_ids:
        must.append(edge.FieldCondition(key="video_id", match=edge.MatchAny(list(where.video_ids))))
    if where.language is not None:
        must.append(equals("language", where.language))
    must.extend(equals("tags", tag) for tag in where.tags)
    if where.start_s is not None:
        must.append(edge.FieldCondition(key="end_s", range=edge.RangeFloat(gt=where.start_s)))
    if where.end_s is not None:
        must.append(edge.FieldCondition(key="start_s", range=edge.RangeFloat(lt=where.end_s)))
    return edge.Filter(must=must)
