"""The index on a Qdrant server, for clusters and for more scenes than one process holds. Only server_*.py import it."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from footage.identity import point_id
from footage.index_payload import by_place, dense_vectors, in_batches, in_order, stored_point
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
from footage.records import Vector
from footage.server_binding import bind_collection
from footage.server_bulk import begin_bulk_load, end_bulk_load, wait_until_indexed
from footage.server_collections import CollectionNames, alias_names, aliased, open_collections
from footage.server_connection import ServerConnection
from footage.server_points import (
    equals,
    filter_of,
    query_request,
    read_page,
    read_through,
    scored_hit,
    to_point,
    video_filter,
)
from footage.server_videos import ServerVideos
from footage.storage_settings import QdrantSettings

if TYPE_CHECKING:
    from qdrant_client import models

# Bits lose more than one in ten neighbours: twice as many are looked at again (Qdrant's page on quantization).
BINARY_OVERSAMPLING = 2.0


class ServerIndex:
    """A VectorIndex (see there) that any number of processes and threads use at once. It can be pickled.

    Every method raises what ServerConnection.call does: IndexUnavailable where the server stays away, SettingsError
    where it refuses the key, StoreError where it refuses something else.
    """

    def __init__(
        self,
        url: str,
        spec: IndexSpec,
        settings: QdrantSettings,
        create: bool = True,
        names: CollectionNames | None = None,
    ) -> None:
        """Open the index; make it if it is not there.

        Args:
            url: `http(s)://host:port`, the port of gRPC.
            spec: what its vectors are.
            settings: of the server; those of collections count when they are made.
            create: False: an index that is not there is an error.
            names: collections that are there and that no alias need point to (see server_swap.py); None: the aliases.

        Raises:
            IndexMismatch: it holds vectors of other models than `spec` says.
            StoreError: it is not there and `create` is False, it lost a part, or the server is too old.
        """
        self.url = url
        self.spec = spec
        self.settings = settings
        self.names = names or alias_names(settings)
        self.connection = ServerConnection(url, settings)
        if names is None:
            open_collections(self.connection, spec, create)
        self._videos = ServerVideos(self.connection, self.names.videos, spec)
        self._oversampling = BINARY_OVERSAMPLING if settings.quantization == "binary" else None

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """See VectorIndex. Other processes may upsert and publish the same points meanwhile.

        The server itself compares `live` as it writes: a point that is live is never written as one that is not, be
        it made live a moment before; and those that turn out to be live are then written as such, if they still are.
        """
        from qdrant_client import models

        for point in points:
            dense_vectors(point.vectors, self.spec)
        for batch in in_batches(points, self.settings.batch_points):
            unseen = models.Filter(must=[equals("live", 0)])
            self._write([StoredPoint(point, live=False) for point in batch], unseen, models.UpdateMode.UPSERT)
            seen = self._live_ids(batch)
            again = [StoredPoint(point, live=True) for point in batch if _id(point) in seen]
            if again:
                still = models.Filter(must=[equals("live", 1)])
                self._write(again, still, models.UpdateMode.UPDATE_ONLY)

    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        """See VectorIndex. Between its two steps a search may see both generations, never none."""
        from qdrant_client import models

        this = equals("generation", generation)
        video: list[Any] = [equals("workspace", workspace), equals("video_id", video_id)]
        made = models.FilterSelector(filter=models.Filter(must=[*video, this]))
        self.connection.call(
            lambda client: client.set_payload(
                self.names.scenes, {"live": 1}, made, wait=True, ordering=models.WriteOrdering.MEDIUM
            )
        )
        kept: list[Any] = [this]
        if claim_generation is not None:
            kept.append(models.FieldCondition(key="claim_generation", range=models.Range(gt=claim_generation)))
        others = models.Filter(must=video, must_not=kept)
        if self._count(others):
            self._videos.delete(workspace, video_id)
            self._delete(others)

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex. Equal scores come in the order of `in_order`."""
        if not queries:
            return []
        requests = [query_request(query, where, limit, self.spec.sparse_idf, self._oversampling) for query in queries]
        answers = self.connection.call(lambda client: client.query_batch_points(self.names.scenes, requests))
        return [in_order(scored_hit(scored) for scored in answer.points) for answer in answers]

    def delete_video(self, workspace: str, video_id: str) -> None:
        """See VectorIndex."""
        self._delete(video_filter(workspace, video_id))
        self._videos.delete(workspace, video_id)

    def count(self, where: SceneFilter) -> int:
        """See VectorIndex."""
        return self._count(filter_of(where))

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex."""
        records = read_through(self.connection, self.names.scenes, filter_of(where))
        return sorted((stored_point(record).point for record in records), key=by_place)

    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        """See VectorIndex. The order is that of the points' ids."""
        scope = None if where is None else filter_of(where)
        page, following = read_page(self.connection, self.names.scenes, scope, after, limit, with_vectors)
        return ScanPage(tuple(stored_point(record) for record in page), following)

    def restore(self, points: Sequence[StoredPoint]) -> None:
        """See VectorIndex."""
        for stored in points:
            dense_vectors(stored.point.vectors, self.spec)
        for batch in in_batches(points, self.settings.batch_points):
            self._write(batch, None, None)

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """See VectorIndex."""
        self._videos.put(points)

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex."""
        return self._videos.search(vector, workspace, video_ids, limit, self._oversampling)

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """See VectorIndex."""
        return self._videos.all(workspace)

    def bind(self, store_id: str, dry_run: bool = False) -> None:
        """See VectorIndex."""
        bind_collection(self.connection, self.collections().scenes, store_id, dry_run)

    def begin_bulk_load(self) -> None:
        """Build no graphs while many points are written; for all who write there, until end_bulk_load."""
        begin_bulk_load(self.connection, self.collections().scenes)

    def end_bulk_load(self) -> None:
        """Let the server build the graphs, in the background; also after a run that was killed."""
        end_bulk_load(self.connection, self.collections().scenes)

    @contextlib.contextmanager
    def bulk_load(self) -> Iterator[None]:
        """Both, around a block; also where it fails."""
        self.begin_bulk_load()
        try:
            yield
        finally:
            self.end_bulk_load()

    def wait_until_indexed(self) -> None:
        """Return when the graphs are built."""
        wait_until_indexed(self.connection, self.collections().scenes)

    def collections(self) -> CollectionNames:
        """The collections themselves, where `names` may be aliases."""
        return aliased(self.connection, self.names) or self.names

    def close(self) -> None:
        """See VectorIndex; all is durable already. A later call connects again."""
        self.connection.close()

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _write(
        self, points: Sequence[StoredPoint], where: "models.Filter | None", mode: "models.UpdateMode | None"
    ) -> None:
        from qdrant_client import models

        sent = [to_point(stored.point, stored.live, self.spec) for stored in points]
        self.connection.call(
            lambda client: client.upsert(
                self.names.scenes,
                sent,
                wait=True,
                ordering=models.WriteOrdering.MEDIUM,  # copies of a shard compare `live` in the same order of writes
                update_filter=where,
                update_mode=mode,
            )
        )

    def _live_ids(self, points: Sequence[ScenePoint]) -> set[str]:
        ids = [_id(point) for point in points]
        records = self.connection.call(
            lambda client: client.retrieve(self.names.scenes, ids, with_payload=["live"], with_vectors=False)
        )
        return {str(record.id) for record in records if record.payload and record.payload["live"]}

    def _count(self, where: "models.Filter") -> int:
        answer = self.connection.call(lambda client: client.count(self.names.scenes, where, exact=True))
        return int(answer.count)

    def _delete(self, where: "models.Filter") -> None:
        from qdrant_client import models

        gone = models.FilterSelector(filter=where)
        self.connection.call(
            lambda client: client.delete(self.names.scenes, gone, wait=True, ordering=models.WriteOrdering.MEDIUM)
        )


def _id(point: ScenePoint) -> str:
    return point_id(point.scene_id, point.generation)
