"""Copying an index into another, whatever engines the two are: every point as it lies there, and every description."""

import contextlib
import uuid
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from footage.errors import StoreError
from footage.identity import point_id
from footage.index import VectorIndex, scan_pages
from footage.index_records import SceneFilter, ScenePoint
from footage.server_index import ServerIndex

PAGE_POINTS = 256  # a few MB with their vectors, and what one upsert takes at most

Part = tuple[str, bool]  # a workspace, and whether its points are live


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied."""

    points: int
    descriptions: int
    videos: int  # that the points are of


def copy_index(
    origin: VectorIndex,
    target: VectorIndex,
    on_progress: Callable[[int], None],
    kept: Mapping[Part, int] | None = None,
) -> Copied:
    """Copy all workspaces; done again it changes nothing, so a copy that was cut off is begun anew.

    Memory holds one page of points, the ids of videos, and the descriptions of one workspace (4 kB each).

    Args:
        origin: nobody writes to it meanwhile.
        target: of the same models.
        on_progress: called after each page with the number of points copied so far.
        kept: what points_missing() says that the target has besides; None is nothing.

    Raises:
        StoreError: the target does not hold what was copied, or the origin was written to meanwhile.
        IndexMismatch: the vectors do not fit the target.
    """
    parts: Counter[Part] = Counter()
    videos: set[bytes] = set()
    # A server builds its graphs afterwards; the embedded engine builds none by itself.
    with target.bulk_load() if isinstance(target, ServerIndex) else contextlib.nullcontext():
        for page in scan_pages(origin, None, PAGE_POINTS, with_vectors=True):
            target.restore(page.points)
            parts.update((stored.point.workspace, stored.live) for stored in page.points)
            videos.update(uuid.UUID(stored.point.video_id).bytes for stored in page.points)
            on_progress(parts.total())
        descriptions = 0
        for workspace in sorted({workspace for workspace, _ in parts}):
            told = origin.descriptions(workspace)
            target.put_descriptions(told)
            descriptions += len(told)
            lost = {point.video_id for point in told} - {point.video_id for point in target.descriptions(workspace)}
            if lost:
                raise StoreError(
                    f"{len(lost)} of {len(told)} descriptions of the workspace {workspace} did not arrive: copy again."
                )
    _check_counts(origin, target, parts, Counter(kept or {}))
    return Copied(parts.total(), descriptions, len(videos))


def points_missing(held: VectorIndex, origin: VectorIndex) -> Counter[Part]:
    """How many points `held` has that `origin` has not, by what they are part of.

    Memory holds 12 bytes for each point of `held`: the first half of its id, and its part. An empty one costs nothing.
    """
    halves, kinds = array("Q"), array("L")
    parts: dict[Part, int] = {}
    for page in scan_pages(held, None, PAGE_POINTS, with_vectors=False):
        for stored in page.points:
            halves.append(_half_id(stored.point))
            kinds.append(parts.setdefault((stored.point.workspace, stored.live), len(parts)))
    if not parts:
        return Counter()
    ids = np.asarray(halves, np.uint64)
    order = np.argsort(ids)
    ids, missing = ids[order], np.ones(len(ids), bool)
    for page in scan_pages(origin, None, PAGE_POINTS, with_vectors=False):
        asked = np.asarray([_half_id(stored.point) for stored in page.points], np.uint64)
        places = np.searchsorted(ids, asked).clip(max=len(ids) - 1)
        missing[places[ids[places] == asked]] = False
    counts = np.bincount(np.asarray(kinds)[order][missing], minlength=len(parts))
    return Counter({part: int(counts[number]) for part, number in parts.items() if counts[number]})


def _half_id(point: ScenePoint) -> int:
    """Half of a point's id (60 bits by chance): of 100 million points two are alike with a chance of 0.4 %."""
    return uuid.UUID(point_id(point.scene_id, point.generation)).int >> 64


def _check_counts(origin: VectorIndex, target: VectorIndex, copied: Counter[Part], kept: Counter[Part]) -> None:
    for workspace in sorted({workspace for workspace, _ in copied | kept}):
        for live_only in (True, False):
            where = SceneFilter(workspace, live_only=live_only)
            parts = [(workspace, True)] if live_only else [(workspace, True), (workspace, False)]
            read, more = (sum(counts[part] for part in parts) for counts in (copied, kept))
            kind = "live points" if live_only else "points"
            if (there := origin.count(where)) != read:
                raise StoreError(
                    f"The index was written to while it was copied (the workspace {workspace} had {read} {kind}, now"
                    f" {there}): end the runs that write to it, and copy again."
                )
            if (arrived := target.count(where)) != read + more:
                raise StoreError(
                    f"The copy of the workspace {workspace} has {arrived} {kind} and should have {read + more}: end"
                    " what else writes to it, and copy again."
                )
