"""What every VectorIndex does with scenes. A new engine has to pass all of it, and what stands in test_publishing.py,
test_scan_and_restore.py and test_described_videos.py.
"""

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from footage import identity
from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexMismatch
from footage.index import VectorIndex
from footage.index_records import IndexHit, SceneFilter, VectorQuery
from footage.records import SparseVector
from tests.conftest import PROJECT
from tests.footage.conftest import url_for
from tests.points import (
    ALL,
    ENGINES,
    LIVE,
    SPEC,
    Open,
    as_described,
    described,
    drop,
    ids,
    names,
    open_engine,
    same,
    scene,
    seen,
    video,
    write,
)


def test_a_point_comes_back_as_it_went_in(index: VectorIndex) -> None:
    full = seen(
        scene("v1/0", language="ko", tags=("outdoor", "a red car"), indexed_at=1_800_000_000.125),
        transcript=[0.5, 0.5, 0.5, 0.5],
        sparse={3: 0.5, 70_000: 0.25},
        visual=[0.6, 0.8, 0.0],
        caption=[0.0, 0.6, 0.8, 0.0],
    )
    silent = seen(scene("v1/10"), visual=[0.0, 0.0, 1.0])
    nothing = scene("v1/20")
    index.upsert([full, silent, nothing])
    stored = sorted(index.points(ALL), key=lambda point: point.start_s)
    assert [same(a, b) for a, b in zip(stored, [full, silent, nothing], strict=True)] == [True, True, True]


def test_upserting_again_replaces(index: VectorIndex) -> None:
    point = seen(scene("v1/0"), transcript=[1, 0, 0, 0], sparse={1: 1.0}, visual=[1, 0, 0])
    index.upsert([point] * 2)
    index.upsert([point])
    changed = seen(replace(point, language="de", tags=("night",)), visual=[0, 1, 0])
    index.upsert([changed])
    (stored,) = index.points(ALL)
    assert same(stored, changed)


@pytest.fixture(scope="module", params=ENGINES)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    """Two videos, one that is not live, and one of another workspace; only for reading."""
    index = open_engine(request.param, tmp_path_factory.mktemp("filled"), url_for(request.param, request))
    live = [
        scene("v1/0", tags=("outdoor", "car"), indexed_at=1_800_000_000.125),
        scene("v1/10", tags=("car",), end_s=10.3, indexed_at=1_800_000_000.25),
        scene("v2/0", tags=("outdoor",), indexed_at=1_800_000_000.5),
        scene("v2/10", language="de"),
        scene("v1/0", workspace="away"),
    ]
    write(index, *(seen(point, visual=[1, 0, 0]) for point in live))
    index.upsert([seen(scene("v3/0"), visual=[1, 0, 0])])
    yield index
    drop(index)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SceneFilter("home"), {"v1/0", "v1/10", "v2/0", "v2/10"}),
        (SceneFilter("nobody"), set()),
        (SceneFilter("home", video_ids=(scene("v2/0").video_id,)), {"v2/0", "v2/10"}),
        (
            SceneFilter("home", video_ids=(scene("v1/0").video_id, scene("v2/0").video_id)),
            {"v1/0", "v1/10", "v2/0", "v2/10"},
        ),
        (SceneFilter("home", language="de"), {"v2/10"}),
        (SceneFilter("home", tags=("outdoor",)), {"v1/0", "v2/0"}),
        (SceneFilter("home", tags=("car", "outdoor")), {"v1/0"}),
        (SceneFilter("home", tags=("out",)), set()),
        (SceneFilter("home", start_s=10), {"v1/10", "v2/10"}),
        (SceneFilter("home", start_s=9.999), {"v1/0", "v1/10", "v2/0", "v2/10"}),
        (SceneFilter("home", end_s=10), {"v1/0", "v2/0"}),
        (SceneFilter("home", end_s=10.001), {"v1/0", "v1/10", "v2/0", "v2/10"}),
        (SceneFilter("home", start_s=20), set()),
        (SceneFilter("home", start_s=5, end_s=6), {"v1/0", "v2/0"}),
        (SceneFilter("home", language="en", start_s=10), {"v1/10"}),
        (SceneFilter("home", scene_ids=(scene("v2/0").scene_id,)), {"v2/0"}),
        (SceneFilter("home", scene_ids=tuple(scene(name).scene_id for name in ("v1/0", "v2/10"))), {"v1/0", "v2/10"}),
        (SceneFilter("home", scene_ids=(scene("v1/0", workspace="away").scene_id,)), set()),
        (SceneFilter("home", scene_ids=(scene("v3/0").scene_id,)), set()),
        (SceneFilter("home", min_duration_s=10), {"v1/0", "v2/0", "v2/10"}),
        (SceneFilter("home", min_duration_s=10.001), set()),
        (SceneFilter("home", max_duration_s=0.3), {"v1/10"}),  # and 10.3 - 10 is more
        (SceneFilter("home", min_duration_s=0.301, max_duration_s=9.999), set()),
        (SceneFilter("home", min_duration_s=0.3, max_duration_s=10), {"v1/0", "v1/10", "v2/0", "v2/10"}),
        (SceneFilter("home", indexed_since=1_800_000_000.25), {"v1/10", "v2/0"}),
        (SceneFilter("home", indexed_since=1_800_000_000.251), {"v2/0"}),
        (SceneFilter("home", live_only=False), {"v1/0", "v1/10", "v2/0", "v2/10", "v3/0"}),
    ],
)
def test_filters(filled: VectorIndex, where: SceneFilter, expected: set[str]) -> None:
    want = ids(*(scene(name) for name in expected))
    assert names(filled, where) == want
    (hits,) = filled.search([VectorQuery("visual", np.asarray([1, 0, 0], np.float32))], where, 10)
    assert {hit.scene_id for hit in hits} == want
    (hits,) = filled.search([VectorQuery("image", np.asarray([0, 1, 0], np.float32))], where, 10)
    assert {hit.scene_id for hit in hits} == want  # a picture asks for the pictures


def test_each_list_gives_the_nearest_of_its_own(index: VectorIndex) -> None:
    said = seen(scene("v1/0"), transcript=[1, 0, 0, 0], sparse={5: 1.0})
    both = seen(
        scene("v1/10", language="de", tags=("outdoor",)),
        transcript=[0.6, 0.8, 0, 0],
        sparse={5: 0.5, 6: 1.0},
        visual=[0, 1, 0],
        caption=[0, 0, 1, 0],
    )
    shown = seen(scene("v2/0"), visual=[1, 0, 0], caption=[0, 0, 0.6, 0.8])
    write(index, said, both, shown, scene("v2/10"))
    lists = index.search(
        [
            VectorQuery("transcript", np.asarray([1, 0, 0, 0], np.float32)),
            VectorQuery("visual", np.asarray([0.6, 0.8, 0], np.float32)),
            VectorQuery("transcript_sparse", SparseVector((6, 5), (1.0, 1.0))),
            VectorQuery("caption", np.asarray([0, 0, 0, 1], np.float32)),
        ],
        LIVE,
        10,
    )
    assert [[hit.scene_id for hit in hits] for hits in lists] == [
        [said.scene_id, both.scene_id],
        [both.scene_id, shown.scene_id],
        [both.scene_id, said.scene_id],
        [shown.scene_id, both.scene_id],
    ]
    assert [hit.score for hit in lists[0]] == pytest.approx([1.0, 0.6])
    assert lists[1][0] == IndexHit(
        scene_id=both.scene_id,
        video_id=both.video_id,
        generation="g1",
        score=pytest.approx(0.8),
        indexed_at=0.0,
    )
    (limited,) = index.search([VectorQuery("transcript", np.asarray([1, 0, 0, 0], np.float32))], LIVE, 1)
    assert [hit.scene_id for hit in limited] == [said.scene_id]
    assert index.search([], LIVE, 10) == []
    assert pickle.loads(pickle.dumps((lists, both, LIVE)))[0] == lists


def test_equal_scores_come_in_order_of_scenes(index: VectorIndex) -> None:
    points = [seen(scene(f"v1/{start}"), visual=[1, 0, 0], sparse={5: 1.0}) for start in range(20)]
    write(index, *points)
    queries = [
        VectorQuery("visual", np.asarray([0, 1, 0], np.float32)),
        VectorQuery("transcript_sparse", SparseVector((5,), (1.0,))),
    ]
    for hits in index.search(queries, LIVE, 20):
        assert [hit.scene_id for hit in hits] == sorted(ids(*points))


def test_rarity_is_counted_in_the_workspace_among_what_is_live(index: VectorIndex) -> None:
    """ln((n - k + 0.5) / (k + 0.5) + 1) for a word that k of n scenes say: the BM25 form that Qdrant's IDF has."""
    said = [seen(scene(f"v1/{start}"), sparse={5: 1.0} if start else {5: 1.0, 6: 1.0}) for start in (0, 10, 20)]
    write(index, *said)
    index.upsert([seen(scene("v2/0"), sparse={6: 1.0})])
    write(index, *(seen(scene(f"v1/{start}", workspace="away"), sparse={6: 1.0}) for start in range(5)))
    (hits,) = index.search([VectorQuery("transcript_sparse", SparseVector((6,), (2.0,)))], LIVE, 10)
    assert [(hit.scene_id, hit.score) for hit in hits] == [(said[0].scene_id, pytest.approx(2 * np.log(2.5 / 1.5 + 1)))]


def test_what_another_workspace_gets_changes_no_score(index: VectorIndex) -> None:
    write(index, *(seen(scene(f"v1/{start}"), sparse={5: 1.0, 6 + start: 1.0}) for start in range(4)))
    asked = [VectorQuery("transcript_sparse", SparseVector((5, 6), (1.0, 1.0)))]
    before = index.search(asked, LIVE, 10)
    write(index, *(seen(scene(f"v1/{start}", workspace="away"), sparse={6: 1.0}) for start in range(50)))
    assert index.search(asked, LIVE, 10) == before
    assert len({hit.score for hit in before[0]}) == 2  # rarity counts


def test_deleting_a_video_leaves_the_others(index: VectorIndex) -> None:
    write(index, scene("v1/0"), scene("v2/0"), scene("v1/0", workspace="away"))
    index.delete_video("home", scene("v1/0").video_id)
    index.delete_video("home", "nobody")
    assert names(index, ALL) == ids(scene("v2/0"))
    assert index.count(SceneFilter("away")) == 1


def test_many_points_are_all_given(index: VectorIndex) -> None:
    index.upsert([seen(scene(f"v1/{start}"), visual=[1, start, 0]) for start in range(700)])
    assert [point.start_s for point in index.points(ALL)] == list(range(700))


@pytest.mark.parametrize("visual", [[1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, float("nan"), 0.0]])
def test_a_vector_that_does_not_fit_is_refused(index: VectorIndex, visual: list[float]) -> None:
    with pytest.raises(IndexMismatch, match=r"The visual vector of scene .* has shape .*holds finite vectors of 3"):
        index.upsert([seen(scene("v1/0"), visual=visual)])
    assert index.count(ALL) == 0


def test_what_was_written_is_there_when_opened_again(opened: Open) -> None:
    point = seen(scene("v1/0"), transcript=[0, 0, 0.6, 0.8], sparse={1: 1.0}, visual=[0, 0, 1])
    first = opened()
    write(first, point)
    first.put_descriptions([video("v1", [0, 0.6, 0.8, 0])])
    index = opened()
    (stored,) = index.points(LIVE)
    assert same(stored, point)
    assert described(index) == as_described(video("v1", [0, 0.6, 0.8, 0]))


KILLED_WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from footage.embedded_index import EmbeddedIndex
    from tests.points import SPEC, scene, seen, video, write
    index = EmbeddedIndex(Path(sys.argv[1]), SPEC, owner="a writer")
    for number in range(10_000):
        point = seen(scene(f"v{number}/0"), transcript=[1, number, 0, 0], sparse={number: 1.0})
        write(index, point) if number % 2 else index.upsert([point])
        index.put_descriptions([video(f"v{number}", [1, number, 0, 0])])
        print(number, flush=True)
    """
)


def test_what_was_confirmed_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "index" / "scenes"
    confirmed = -1
    for kill_after in (1, 20, 40):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=PROJECT
        )
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= kill_after:
                break
        writer.kill()
        confirmed = max([confirmed, int(line), *(int(late) for late in writer.stdout)])
        writer.wait()
        writer.stdout.close()
        with EmbeddedIndex(path, SPEC, owner="a test", wait_s=10) as index:
            stored = {point.scene_id for point in index.points(ALL)}
            live = {point.scene_id for point in index.points(LIVE)}
            told = {point.video_id for point in index.descriptions("home")}
        want = [scene(f"v{number}/0").scene_id for number in range(confirmed + 1)]
        assert set(want) <= stored
        assert set(want[1::2]) <= live
        # of the write that was cut off, at most
        assert len(stored - set(want)) <= 1
        assert not live & set(want[0::2])
        assert {identity.video_id("home", f"v{number}") for number in range(confirmed + 1)} <= told
