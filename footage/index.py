"""The vector index: one point per scene, found by what is said and by what is seen, and one per described video.

`VectorIndex` is what footage asks of any engine; EmbeddedIndex (embedded_index.py) is Qdrant's own in this process.
Points of a video stay unseen (`live` is 0) until all of it is written: see publish().
"""

from collections.abc import Sequence
from typing import Protocol

from footage.index_records import IndexHit, SceneFilter, ScenePoint, VectorQuery, VideoHit, VideoPoint
from footage.records import Vector


class VectorIndex(Protocol):
    """Scenes by their vectors. Arguments and results can be pickled, so that an owner process can stand between."""

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """Write points, unseen by searches; durable on return. One that is live in its generation stays so.

        Raises:
            IndexMismatch: a vector has another length than the index holds.
        """
        ...

    def publish(self, workspace: str, video_id: str, generation: str) -> None:
        """Make the video's points of this generation live, then remove those of any other; durable on return.

        If there are others, its description goes with them, before them: it is of their scenes.
        """
        ...

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """One list per query, best first, at most `limit` long. Scenes without that vector are in no list."""
        ...

    def delete_video(self, workspace: str, video_id: str) -> None:
        """Remove all points of a video, its description among them; durable on return."""
        ...

    def count(self, where: SceneFilter) -> int:
        """How many points count."""
        ...

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """The points themselves with their vectors, in order of video and start."""
        ...

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        """Write videos by their descriptions, each over what there is of it; seen by searches and durable on return.

        Raises:
            IndexMismatch: a vector has another length than the index holds.
        """
        ...

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """The videos whose descriptions are nearest, best first, at most `limit`; of `video_ids` only, if any.

        Args:
            vector: of the text model, (text_dimensions,).
            workspace: whose videos count.
            video_ids: empty means all.
            limit: at least 1.
        """
        ...

    def descriptions(self, workspace: str) -> list[VideoPoint]:
        """The videos with their vectors, by id."""
        ...

    def close(self) -> None:
        """Make everything durable and give the index back."""
        ...
