"""The videos of an index on a server by their descriptions: one point per described video."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from footage.index_payload import (
    DESCRIPTION,
    check_vector,
    in_batches,
    video_payload,
    video_point,
    videos_in_order,
)
from footage.index_records import IndexSpec, VideoHit, VideoPoint
from footage.records import Vector
from footage.server_connection import ServerConnection
from footage.server_points import any_of, equals, quantized_search, read_through, video_filter

if TYPE_CHECKING:
    from qdrant_client import models


class ServerVideos:
    """Used by ServerIndex. See VectorIndex for the methods."""

    def __init__(self, connection: ServerConnection, collection: str, spec: IndexSpec) -> None:
        """Read and write `collection`, which may be an alias."""
        self._connection = connection
        self._collection = collection
        self._length = spec.text_dimensions

    def put(self, points: Sequence[VideoPoint]) -> None:
        """Write points over those of the same videos."""
        from qdrant_client import models

        for point in points:
            check_vector(f"The description vector of video {point.video_id}", point.vector, self._length)
        for batch in in_batches(points, self._connection.settings.batch_points):
            # The id of a video names its workspace too: see identity.video_id.
            written = [
                models.PointStruct(
                    id=point.video_id,
                    vector={DESCRIPTION: point.vector.tolist()},
                    payload=video_payload(point),
                )
                for point in batch
            ]
            self._write(written)

    def _write(self, written: "list[models.PointStruct]") -> None:
        self._connection.call(lambda client: client.upsert(self._collection, written, wait=True))

    def search(
        self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int, oversampling: float | None
    ) -> list[VideoHit]:
        """The nearest descriptions, best first; equal ones by id."""
        from qdrant_client import models

        must = [equals("workspace", workspace)]
        if video_ids:
            must.append(any_of("video_id", video_ids))
        answer = self._connection.call(
            lambda client: client.query_points(
                self._collection,
                query=vector.tolist(),
                using=DESCRIPTION,
                query_filter=models.Filter(must=list(must)),
                search_params=quantized_search(oversampling),
                limit=limit,
                with_payload=True,
            )
        )
        return videos_in_order(VideoHit((scored.payload or {})["video_id"], scored.score) for scored in answer.points)

    def all(self, workspace: str) -> list[VideoPoint]:
        """All points of a workspace, by video id."""
        from qdrant_client import models

        where = models.Filter(must=[equals("workspace", workspace)])
        found = [video_point(record) for record in read_through(self._connection, self._collection, where)]
        return sorted(found, key=lambda point: point.video_id)

    def delete(self, workspace: str, video_id: str) -> None:
        """Remove the point of a video; durable on return."""
        from qdrant_client import models

        gone = models.FilterSelector(filter=video_filter(workspace, video_id))
        self._connection.call(lambda client: client.delete(self._collection, gone, wait=True))
