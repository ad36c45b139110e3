"""The embedded index: Qdrant's own engine (qdrant-edge-py) in this process. Only embedded_*.py import it."""

import contextlib
import functools
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import qdrant_edge as edge

from footage.embedded_points import (
    engine_filter,
    engine_hit,
    engine_id,
    engine_point,
    engine_vector,
    make_scenes,
    named_vectors,
)
from footage.embedded_shard import PAGE_POINTS, equals, place_shard, read_through
from footage.embedded_videos import EmbeddedVideos
from footage.errors import IndexFailed, StoreError
from footage.folder_exchange import exchange_folder, folder_exists, rebuilt_folder, settle_exchange
from footage.gate import Gate
from footage.index_binding import bind_folder
from footage.index_payload import HIT_FIELDS, by_place, in_batches, in_order, stored_point
from footage.index_records import (
    IndexHit,
    IndexSpec,
    ScanPage,
    SceneFilter,
    ScenePoint,
    StoredPoint,
    VectorQuery,
    VideoHit,
    VideoPoint,
)
from footage.index_spec import check_spec, write_spec
from footage.ownership import Ownership, lock_of
from footage.records import SparseVector, Vector

P = ParamSpec("P")
R = TypeVar("R")


def _inside(
    method: "Callable[Concatenate[EmbeddedIndex, P], R]",
) -> "Callable[Concatenate[EmbeddedIndex, P], R]":
    """A method that needs the shards: it waits while they are taken away, and is refused once the index is closed."""

    @functools.wraps(method)
    def passing(self: "EmbeddedIndex", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._gate.passing():
            self._check_open()
            return method(self, *args, **kwargs)

    return passing


class EmbeddedIndex:
    """A VectorIndex (see there) owned by this process alone. Methods may be called from many threads.

    `path` is the engine's folder of scenes; `videos` beside it is that of descriptions, `path`.lock names the owner of
    both, spec.json says what is stored, and store-id for which store. The engine damages the holder's files when a
    folder is opened twice, so the lock is always taken first.
    """

    def __init__(self, path: Path, spec: IndexSpec, owner: str, wait_s: float = 0, create: bool = True) -> None:
        """Open the index, waiting up to `wait_s` seconds for another owner; make it if it is not there.

        Raises:
            IndexBusy: another process has it; the message says which.
            IndexMismatch: it holds vectors of other models than `spec` says.
            StoreError: it is not there and `create` is False, or it lost a part.
        """
        if not create and not folder_exists(path):
            raise StoreError(f"Nothing is indexed in {path.parent.parent} yet: run `footage index` first.")
        self._ownership = Ownership(lock_of(path), owner, wait_s)
        self._path, self._videos_path = path, path.with_name("videos")
        self._spec = spec
        self._gate = Gate()  # calls pass; who takes the shards away is alone
        self._open = False
        self._writing = threading.Lock()  # upsert looks before it writes
        with contextlib.ExitStack() as undo:
            undo.callback(self._ownership.release)
            for folder in (path, self._videos_path):
                settle_exchange(folder)
            if not path.exists():
                _create(path, self._videos_path, spec)
            check_spec(path, spec)
            if not self._videos_path.exists():
                raise StoreError(
                    f"The index {path} lost the folder {self._videos_path.name} beside it: remove the store"
                    f" {path.parent.parent} and index again."
                )
            self._load()
            undo.pop_all()

    @_inside
    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """See VectorIndex."""
        for batch in in_batches(points, PAGE_POINTS):
            ids: list[Any] = [engine_id(point) for point in batch]
            named = [named_vectors(point.vectors, self._spec) for point in batch]
            with self._writing:
                held = self._shard.retrieve(ids, ["live"], False)
                known = {str(record.id) for record in held if record.payload and record.payload["live"]}
                written = [
                    engine_point(point, vectors, live=id_ in known)
                    for id_, vectors, point in zip(ids, named, batch, strict=True)
                ]
                self._shard.update(edge.UpdateOperation.upsert_points(written))
        if points:
            self._shard.flush()  # its log is not synced, and the span's record, which follows, is

    @_inside
    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        """See VectorIndex. Between its two steps a search may see both generations, never none."""
        this = equals("generation", generation)
        video: list[Any] = [equals("workspace", workspace), equals("video_id", video_id)]
        kept: list[Any] = [this]
        if claim_generation is not None:
            kept.append(edge.FieldCondition(key="claim_generation", range=edge.RangeFloat(gt=claim_generation)))
        others = edge.Filter(must=video, must_not=kept)
        with self._writing:
            self._shard.update(
                edge.UpdateOperation.set_payload_by_filter(edge.Filter(must=[*video, this]), {"live": 1})
            )
            if self._shard.count(edge.CountRequest(exact=True, filter=others)):
                self._videos.delete(workspace, video_id)
                self._shard.update(edge.UpdateOperation.delete_points_by_filter(others))
        self._shard.flush()

    @_inside
    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex."""
        scope = engine_filter(where)
        # Rarity is counted among the scenes of the workspace: what other workspaces hold must not show in the scores.
        rarity = edge.IdfParams(corpus=engine_filter(SceneFilter(where.workspace)))
        requests = [
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(engine_vector(query.vector), using=query.vector_name),
                filter=scope,
                with_payload=list(HIT_FIELDS),  # converting what no hit needs takes 1 ms of 400 hits
                params=edge.SearchParams(idf=rarity)
                if isinstance(query.vector, SparseVector) and self._spec.sparse_idf
                else None,
            )
            for query in queries
        ]
        answers = self._shard.query_batch(edge.QueryBatchRequest(requests))
        return [in_order(engine_hit(scored) for scored in answer) for answer in answers]

    @_inside
    def delete_video(self, workspace: str, video_id: str) -> None:
        """See VectorIndex."""
        where = edge.Filter(must=[equals("workspace", workspace), equals("video_id", video_id)])
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(where))
        self._shard.flush()
        self._videos.delete(workspace, video_id)

    @_inside
    def count(self, where: SceneFilter) -> int:
        """See VectorIndex."""
        return int(self._shard.count(edge.CountRequest(exact=True, filter=engine_filter(where))))

    @_inside
    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex."""
        found = [stored_point(record).point for record in read_through(self._shard, engine_filter(where))]
        return sorted(found, key=by_place)

    @_inside
    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        """See VectorIndex. Pages are in the order of point ids, so what is written meanwhile moves no other point."""
        request = edge.ScrollRequest(
            offset=after,
            limit=limit,
            filter=None if where is None else engine_filter(where),
            with_payload=True,
            with_vector=with_vectors,
        )
        records, following = self._shard.scroll(request)
        return ScanPage(
            tuple(stored_point(record) for record in records), None if following is None else str(following)
        )

    @_inside
    def restore(self, points: Sequence[StoredPoint]) -> None:
        """See VectorIndex."""
        written = [
            engine_point(stored.point, named_vectors(stored.point.vectors, self._spec), stored.live)
            for stored in points
        ]
        for batch in in_batches(written, PAGE_POINTS):
            with self._writing:
                self._shard.update(edge.UpdateOperation.upsert_points(batch))
        if points:
            self._shard.flush()

    @_inside
    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """See VectorIndex."""
        self._videos.put(points)

    @_inside
    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex."""
        return self._videos.search(vector, workspace, video_ids, limit)

    @_inside
    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """See VectorIndex."""
        return self._videos.all(workspace)

    @_inside
    def bind(self, store_id: str, dry_run: bool = False) -> None:
        """See VectorIndex."""
        bind_folder(self._path, store_id, dry_run)

    def take_rebuilt(self) -> None:
        """Put the rebuilt index (embedded_rebuild.py) in the place of this one, and go on with it; again is fine.

        Calls of other threads wait meanwhile, and whoever waits for the index gets it neither before nor between: the
        lock stays held. Scenes and descriptions are exchanged one after the other; killed between the two, both are
        whole. What was exchanged before a kill is not there to be exchanged again.
        """
        fresh = rebuilt_folder(self._path)
        with self._gate.alone():
            self._check_open()  # who waited here while it was closed has no lock any more
            self._unload()
            try:
                for new, old in (
                    (fresh, self._path),
                    (fresh.with_name(self._videos_path.name), self._videos_path),
                ):
                    if new.exists():
                        exchange_folder(new, old)
            finally:
                for folder in (self._path, self._videos_path):
                    settle_exchange(folder)
                self._load()

    @property
    def is_open(self) -> bool:
        """Whether it can be used: it was not closed, and could be loaded after an exchange, for which this waits."""
        with self._gate.passing():
            return self._open

    def close(self) -> None:
        """See VectorIndex; again is fine."""
        with self._gate.alone():
            if self._open:
                self._unload()
            self._ownership.release()

    def _check_open(self) -> None:
        if not self._open:
            raise IndexFailed(f"The index {self._path} was closed in this process.")

    def _load(self) -> None:
        with contextlib.ExitStack() as undo:
            self._videos = EmbeddedVideos(self._videos_path, self._spec.text_dimensions)
            undo.callback(self._videos.close)
            self._shard = edge.EdgeShard.load(str(self._path))
            undo.pop_all()
        self._open = True

    def _unload(self) -> None:
        self._open = False
        self._videos.close()
        self._shard.flush()
        self._shard.close()

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _create(path: Path, videos: Path, spec: IndexSpec) -> None:
    """Make the folders and what says what is in them; the scenes come last, so that where they are, all is."""
    made = make_scenes(path, spec)
    EmbeddedVideos.create(videos, spec.text_dimensions)
    write_spec(path, spec)
    place_shard(made, path)
