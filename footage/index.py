"""The vector index: one point per scene, found by what is said and by what is seen, and one per described video.

`VectorIndex` is what footage asks of any engine: EmbeddedIndex (embedded_index.py) is Qdrant's own in this process,
ServerIndex (server_index.py) a Qdrant server.
Points of a video stay unseen (`live` is 0) until all of it is written: see publish().
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from footage.index_records import (
    IndexHit,
    ScanPage,
    SceneFilter,
    ScenePoint,
    StoredPoint,
    VectorQuery,
    VideoHit,
    VideoPoint,
)
from footage.records import Vector


class VectorIndex(Protocol):
    """Scenes by their vectors. Arguments and results can be pickled, so that an owner process can stand between."""

    def upsert(self, points: Sequence[ScenePoint]) -> None:
        """Write points, unseen by searches; durable on return. One that is live in its generation stays so.

        Raises:
            IndexMismatch: a vector has another length than the index holds.
        """
        ...

    def publish(self, workspace: str, video_id: str, generation: str, claim_generation: int | None = None) -> None:
        """Make the video's points of this generation live, then remove those of any other; durable on return.

        If there are others, its description goes with them, before them: it is of their scenes.

        Args:
            workspace: of the video.
            video_id: of the video.
            generation: whose points are complete.
            claim_generation: under which they were written: others that were written under a greater one stay, since
                who asks has lost the video to who wrote them. None removes all others.
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

    def scan(
        self, where: SceneFilter | None, after: str | None = None, limit: int = 256, with_vectors: bool = True
    ) -> ScanPage:
        """A page of the points that count (None: of all workspaces), live or not as `where` says, in any fixed order.

        Args:
            where: which points; None is for copying and mending a whole index.
            after: `next` of the page before; None begins.
            limit: points of a page.
            with_vectors: False leaves all vectors None and is cheap.
        """
        ...

    def restore(self, points: Sequence[StoredPoint]) -> None:
        """Write points just as they were, live or not; durable on return.

        Raises:
            IndexMismatch: a vector has another length than the index holds.
        """
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

    def bind(self, store_id: str, dry_run: bool = False) -> None:
        """Tie the index to the store whose scenes it holds; durable on return, and again with the same id is fine.

        Args:
            store_id: see store_identity.py; with `dry_run` it may be empty, for a store that has none yet.
            dry_run: only refuse, and leave an index as it is that is tied to no store.

        Raises:
            IndexMismatch: it holds the scenes of another store.
        """
        ...

    def close(self) -> None:
        """Make everything durable and give the index back."""
        ...


def scan_pages(index: VectorIndex, where: SceneFilter | None, limit: int, with_vectors: bool) -> Iterator[ScanPage]:
    """All pages of VectorIndex.scan, at least one."""
    after = None
    while True:
        page = index.scan(where, after, limit, with_vectors)
        yield page
        after = page.next
        if after is None:
            return
