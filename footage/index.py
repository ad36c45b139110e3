"""The vector index: one point per scene, found by what is said and by what is seen.

`VectorIndex` is what footage asks of any engine; `EmbeddedIndex` is Qdrant's own engine in this process, and this is
the only file that imports it. Points of a video stay unseen (`live` is 0) until all of it is written: see publish().
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import qdrant_edge as edge

from footage.errors import IndexMismatch, StoreError
from footage.identity import point_id
from footage.index_records import IndexHit, IndexSpec, SceneFilter, ScenePoint, VectorQuery
from footage.index_spec import check_spec, write_spec
from footage.ownership import Ownership
from footage.records import SceneVectors, SparseVector, Vector
from footage.storage import sync_folder

PAGE_POINTS = 256  # points per read and per write: a few MB with their vectors


class VectorIndex(Protocol):
    """Scenes by their vectors. Arguments and results can be pickled, so that an owner process can stand between."""

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """Write points, unseen by searches; durable on return. One that is live in its generation stays so.

        Raises:
            IndexMismatch: a vector has another length than the index holds.
        """
        ...

    def publish(self, workspace: str, video_id: str, generation: str) -> None:
        """Make the video's points of this generation live, then remove those of any other; durable on return."""
        ...

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """One list per query, best first, at most `limit` long. Scenes without that vector are in no list."""
        ...

    def delete_video(self, workspace: str, video_id: str) -> None:
        """Remove all points of a video; durable on return."""
        ...

    def count(self, where: SceneFilter) -> int:
        """How many points count."""
        ...

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """The points themselves with their vectors, in order of video and start."""
        ...

    def close(self) -> None:
        """Make everything durable and give the index back."""
        ...


class EmbeddedIndex:
    """Qdrant's engine (qdrant-edge-py) in this process, owned by it alone. Methods may be called from many threads.

    `path` is the engine's folder; `path`.lock beside it names the owner, and spec.json beside it says what is stored.
    The engine damages the holder's files when a folder is opened twice, so the lock is always taken first.
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
            if path.exists():
                check_spec(path, spec)
            else:
                _create(path, spec)
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
        this = _equals("generation", generation)
        video: list[Any] = [_equals("workspace", workspace), _equals("video_id", video_id)]
        live = edge.UpdateOperation.set_payload_by_filter(edge.Filter(must=[*video, this]), {"live": 1})
        older = edge.UpdateOperation.delete_points_by_filter(edge.Filter(must=video, must_not=[this]))
        with self._writing:
            self._shard.update(live)
            self._shard.update(older)
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
        where = edge.Filter(must=[_equals("workspace", workspace), _equals("video_id", video_id)])
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(where))
        self._shard.flush()

    def count(self, where: SceneFilter) -> int:
        """See VectorIndex."""
        return int(self._shard.count(edge.CountRequest(exact=True, filter=_filter(where))))

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex."""
        found = [_scene_point(record.payload, record.vector) for record in self._scroll(_filter(where))]
        return sorted(found, key=lambda point: (point.video_id, point.start_s, point.scene_id, point.generation))

    def close(self) -> None:
        """See VectorIndex; again is fine."""
        if self._open:
            self._open = False
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
        for name, vector, want in (
            ("transcript", vectors.transcript, self._spec.text_dimensions),
            ("visual", vectors.visual, self._spec.vision_dimensions),
        ):
            if vector is not None and (vector.shape != (want,) or not np.isfinite(vector).all()):
                raise IndexMismatch(
                    f"The {name} vector of scene {vectors.scene_id} has shape {vector.shape}; "
                    f"the index holds finite vectors of {want} numbers."
                )
        parts = {
            "transcript": vectors.transcript,
            "transcript_sparse": vectors.transcript_sparse,
            "visual": vectors.visual,
        }
        return {name: _engine_vector(vector) for name, vector in parts.items() if vector is not None}

    def _scroll(self, where: edge.Filter) -> Iterator[Any]:
        offset = None
        while True:
            request = edge.ScrollRequest(
                offset=offset, limit=PAGE_POINTS, filter=where, with_payload=True, with_vector=True
            )
            page, offset = self._shard.scroll(request)
            yield from page
            if offset is None:
                return


def _create(path: Path, spec: IndexSpec) -> None:
    """Make the folder aside and rename it, so that a folder at `path` is always a whole one."""
    aside = path.with_name(f".{path.name}.new")
    shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed here; we hold the lock
    aside.mkdir(parents=True)
    cosine = edge.Distance.Cosine
    config = edge.EdgeConfig(
        vectors={
            "transcript": edge.EdgeVectorParams(size=spec.text_dimensions, distance=cosine),
            "visual": edge.EdgeVectorParams(size=spec.vision_dimensions, distance=cosine),
        },
        sparse_vectors={
            "transcript_sparse": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if spec.sparse_idf else None)
        },
        wal_enabled=True,  # without it a killed process loses everything since the last flush
    )
    shard = edge.EdgeShard.create(str(aside), config)
    shard.update(edge.UpdateOperation.create_field_index("workspace", edge.KeywordIndexParams(is_tenant=True)))
    for field in ("video_id", "language"):
        shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))
    for field in ("start_s", "end_s"):
        shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Float))
    shard.update(edge.UpdateOperation.create_field_index("live", edge.PayloadSchemaType.Integer))
    shard.flush()
    shard.close()
    write_spec(path, spec)  # before the folder: one without it is an error
    os.replace(aside, path)
    sync_folder(path.parent)


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
        "generation": point.generation,
        "sidecar_key": point.sidecar_key,
        "thumbnail_key": point.thumbnail_key,
        "live": int(live),  # a number: MatchValue(True) of qdrant-edge-py 0.9.0 finds no boolean
    }


def _scene_point(payload: dict[str, Any], vectors: dict[str, Any]) -> ScenePoint:
    names = (field.name for field in fields(ScenePoint) if field.name != "vectors")
    sparse = vectors.get("transcript_sparse")
    dense = {name: np.asarray(vectors[name], np.float32) for name in ("transcript", "visual") if name in vectors}
    return ScenePoint(
        **{name: payload[name] for name in names},
        vectors=SceneVectors(
            scene_id=payload["scene_id"],
            transcript=dense.get("transcript"),
            transcript_sparse=sparse and SparseVector(tuple(sparse.indices), tuple(sparse.values)),
            visual=dense.get("visual"),
        ),
    )


def _hit(payload: dict[str, Any], score: float) -> IndexHit:
    names = ("scene_id", "video_id", "start_s", "end_s", "language", "generation", "sidecar_key", "thumbnail_key")
    return IndexHit(**{name: payload[name] for name in names}, score=score)


def _equals(field: str, value: str | int) -> edge.FieldCondition:
    return edge.FieldCondition(key=field, match=edge.MatchValue(value))


def _filter(where: SceneFilter) -> edge.Filter:
    must: list[Any] = [_equals("workspace", where.workspace)]
    if where.live_only:
        must.append(_equals("live", 1))
    if where.video_ids:
        must.append(edge.FieldCondition(key="video_id", match=edge.MatchAny(list(where.video_ids))))
    if where.language is not None:
        must.append(_equals("language", where.language))
    if where.start_s is not None:
        must.append(edge.FieldCondition(key="end_s", range=edge.RangeFloat(gt=where.start_s)))
    if where.end_s is not None:
        must.append(edge.FieldCondition(key="start_s", range=edge.RangeFloat(lt=where.end_s)))
    return edge.Filter(must=must)
