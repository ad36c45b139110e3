"""What every VectorIndex does where a whole index is read and written again. A new engine has to pass all of it."""

import pickle
from collections.abc import Sequence

import pytest

from footage.errors import IndexMismatch
from footage.identity import point_id
from footage.index import VectorIndex
from footage.index_records import ScanPage, SceneFilter, ScenePoint, StoredPoint
from tests.points import ALL, LIVE, Open, same, scene, seen, write

FULL = {"transcript": [0.5, 0.5, 0.5, 0.5], "sparse": {3: 0.5, 9: 0.25}, "visual": [0.6, 0.8, 0.0]}
SEEN = [
    seen(scene("v1/0", tags=("outdoor", "car"), language="ko"), **FULL, caption=[0.0, 0.6, 0.8, 0.0]),
    seen(scene("v1/10"), visual=[0.0, 0.0, 1.0]),
    seen(scene("v1/0", workspace="away"), **FULL),
]
UNSEEN = [seen(scene("v1/0", generation="g2"), **FULL), scene("v2/0"), seen(scene("v2/10", workspace="away"), **FULL)]


def filled(index: VectorIndex) -> VectorIndex:
    write(index, *SEEN)
    index.upsert(UNSEEN)
    return index


def scanned(index: VectorIndex, where: SceneFilter | None, limit: int, with_vectors: bool = True) -> list[ScanPage]:
    pages = [index.scan(where, None, limit, with_vectors)]
    while pages[-1].next is not None:
        pages.append(index.scan(where, pages[-1].next, limit, with_vectors))
    return pages


def rows(points: Sequence[StoredPoint]) -> list[tuple[str, bool]]:
    """What there is and whether it is live, in one order."""
    return sorted((point_id(one.point.scene_id, one.point.generation), one.live) for one in points)


def stored(points: Sequence[ScenePoint], live: bool) -> list[StoredPoint]:
    return [StoredPoint(point, live) for point in points]


def held(index: VectorIndex, where: SceneFilter | None = None) -> list[StoredPoint]:
    return [one for page in scanned(index, where, 256) for one in page.points]


def are_same(found: Sequence[StoredPoint], wanted: Sequence[StoredPoint]) -> bool:
    """Whether they are equal, up to their order and the rounding of a normalisation."""
    by_id = {point_id(one.point.scene_id, one.point.generation): one.point for one in wanted}
    return rows(found) == rows(wanted) and all(
        same(one.point, by_id[point_id(one.point.scene_id, one.point.generation)]) for one in found
    )


@pytest.mark.parametrize("limit", [1, 2, 6, 256])
def test_every_point_of_all_workspaces_is_given_once(index: VectorIndex, limit: int) -> None:
    pages = scanned(filled(index), None, limit)
    assert are_same([one for page in pages for one in page.points], stored(SEEN, True) + stored(UNSEEN, False))
    assert max(len(page.points) for page in pages) == min(limit, 6)
    assert scanned(index, None, limit, with_vectors=False) == scanned(index, None, limit, with_vectors=False)
    assert pickle.loads(pickle.dumps(pages[0])).next == pages[0].next


def test_a_scan_keeps_to_its_filter(index: VectorIndex) -> None:
    filled(index)
    away = SceneFilter("away", live_only=False)
    assert are_same(held(index, LIVE), stored(SEEN[:2], True))
    assert are_same(held(index, ALL), stored(SEEN[:2], True) + stored(UNSEEN[:2], False))
    assert are_same(held(index, away), stored(SEEN[2:], True) + stored(UNSEEN[2:], False))
    assert index.scan(SceneFilter("nobody")) == ScanPage((), None)


def test_a_scan_without_vectors(index: VectorIndex) -> None:
    found = [one for page in scanned(filled(index), None, 4, with_vectors=False) for one in page.points]
    bare = [seen(point) for point in SEEN], [seen(point) for point in UNSEEN]
    assert are_same(found, stored(bare[0], True) + stored(bare[1], False))


def test_a_scan_of_nothing(index: VectorIndex) -> None:
    assert index.scan(None) == ScanPage((), None)


def test_what_is_restored_is_as_it_was(opened: Open) -> None:
    before = held(filled(opened()))
    index = opened()
    for workspace in ("home", "away"):
        for name in ("v1/0", "v2/0"):
            index.delete_video(workspace, scene(name, workspace=workspace).video_id)
    assert held(index) == []
    for _ in range(2):
        index.restore(before)
        assert are_same(held(index), before)
    assert are_same(held(opened()), before)
    opened().restore([])


def test_restoring_goes_over_what_is_there(index: VectorIndex) -> None:
    filled(index)
    hidden = StoredPoint(seen(scene("v1/0", language="de"), visual=[0.0, 1.0, 0.0]), live=False)
    shown = StoredPoint(scene("v2/0"), live=True)
    index.restore([hidden, shown])
    rest = [*stored(SEEN[1:], True), *stored([UNSEEN[0], UNSEEN[2]], False)]
    assert are_same(held(index), [hidden, shown, *rest])


def test_what_is_restored_live_stays_live_when_it_is_written_again(index: VectorIndex) -> None:
    index.restore([StoredPoint(scene("v1/0"), live=True), StoredPoint(scene("v1/10"), live=False)])
    index.upsert([scene("v1/0"), scene("v1/10")])
    assert rows(held(index)) == rows(stored([scene("v1/0")], True) + stored([scene("v1/10")], False))


def test_what_does_not_fit_is_not_restored(index: VectorIndex) -> None:
    points = [StoredPoint(seen(scene("v1/0"), visual=[1.0, 0.0, 0.0]), live=True)]
    points.append(StoredPoint(seen(scene("v1/10"), visual=[1.0, float("nan"), 0.0]), live=True))
    with pytest.raises(IndexMismatch, match=r"The visual vector of scene .* has shape .*holds finite vectors of 3"):
        index.restore(points)
    assert held(index) == []
