"""The points of an index without their vectors, in rooms of memory that do not follow the size of the index."""

from collections.abc import Iterator, Sequence

from footage.index import VectorIndex, scan_pages
from footage.index_records import SceneFilter, StoredPoint

PAGE_POINTS = 1000  # without vectors a point is some hundred bytes


def points_of(index: VectorIndex, workspace: str, video_ids: Sequence[str]) -> dict[str, list[StoredPoint]]:
    """The points of a few videos, live or not; a video without points has an empty list."""
    found: dict[str, list[StoredPoint]] = {video_id: [] for video_id in video_ids}
    if video_ids:
        for stored in _scan(index, SceneFilter(workspace, video_ids=tuple(video_ids), live_only=False)):
            found[stored.point.video_id].append(stored)
    return found


def videos_with_points(index: VectorIndex, workspace: str) -> Iterator[str]:
    """The ids of the videos that the index has points of, each at least once."""
    last = ""
    for stored in _scan(index, SceneFilter(workspace, live_only=False)):
        if stored.point.video_id != last:
            last = stored.point.video_id
            yield last


def _scan(index: VectorIndex, where: SceneFilter) -> Iterator[StoredPoint]:
    for page in scan_pages(index, where, PAGE_POINTS, with_vectors=False):
        yield from page.points
