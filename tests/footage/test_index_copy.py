"""Copying from any engine to any: every point as it lay there, and no count that does not fit."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexMismatch, StoreError
from footage.index import VectorIndex
from footage.index_copy import Copied, copy_index, points_missing
from footage.index_records import IndexSpec, SceneFilter, VideoPoint
from footage.server_index import ServerIndex
from tests.footage.conftest import url_for
from tests.points import (
    ENGINES,
    LIVE,
    SPEC,
    described,
    drop,
    ids,
    names,
    open_engine,
    scene,
    seen,
    server_settings,
    video,
    write,
)
from tests.qdrant_server.fixtures import QdrantServer

Make = Callable[[str], VectorIndex]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes an index of an engine in a place of its own."""
    made: list[VectorIndex] = []

    def one(engine: str) -> VectorIndex:
        made.append(open_engine(engine, tmp_path / str(len(made)), url_for(engine, request)))
        return made[-1]

    yield one
    for index in made:
        drop(index)


def everything(index: VectorIndex) -> dict[tuple[str, str], tuple[Any, ...]]:
    """All that an index says of its scenes, by scene and generation; vectors to the last bit."""
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    after = None
    while True:
        page = index.scan(None, after, 100)
        for stored in page.points:
            point, vectors = stored.point, stored.point.vectors
            dense = (vectors.transcript, vectors.visual, vectors.caption)
            assert (point.scene_id, point.generation) not in found
            found[point.scene_id, point.generation] = (
                *(point.video_id, point.workspace, point.start_s, point.end_s, point.language, point.tags),
                *(point.sidecar_key, point.thumbnail_key, vectors.transcript_sparse, stored.live),
                *(None if vector is None else vector.tobytes() for vector in dense),
            )
        after = page.next
        if after is None:
            return found


def fill(index: VectorIndex) -> None:
    """Two workspaces; scenes that are live and not, of two generations, with all vectors and with none."""
    write(
        index,
        seen(scene("v1/0", tags=("outdoor",)), transcript=[0.1, 0.7, 0.3, 0.2], sparse={3: 0.1, 70_000: 0.7}),
        seen(scene("v1/10", language="ko"), visual=[0.3, 0.1, 0.9], caption=[1, 2, 3, 4]),
        scene("v2/0"),
        seen(scene("v1/0", workspace="away"), visual=[0.2, 0.2, 0.9]),
    )
    index.upsert([seen(scene("v1/0", generation="g2"), visual=[1, 0, 0]), scene("v3/0")])
    index.put_descriptions([video("v1", [0.1, 0.2, 0.3, 0.4]), video("v1", [4, 3, 2, 1], workspace="away")])


@pytest.mark.parametrize("origin_engine", ENGINES)
@pytest.mark.parametrize("target_engine", ENGINES)
def test_everything_arrives_as_it_was(make: Make, origin_engine: str, target_engine: str) -> None:
    origin, target = make(origin_engine), make(target_engine)
    fill(origin)
    steps: list[int] = []
    for _ in range(2):
        assert copy_index(origin, target, steps.append) == Copied(points=6, descriptions=2, videos=4)
        assert everything(target) == everything(origin)
        for workspace in ("home", "away"):
            assert described(target, workspace) == described(origin, workspace)
    assert steps == [6, 6]
    assert names(target, LIVE) == ids(scene("v1/0"), scene("v1/10"), scene("v2/0"))


@pytest.mark.parametrize("engine", ENGINES)
def test_many_pages_arrive_and_a_copy_that_broke_off_is_done_again(make: Make, engine: str) -> None:
    origin, target = make("embedded"), make(engine)
    origin.upsert([seen(scene(f"v1/{start}"), visual=[1, start, 0]) for start in range(600)])

    class BrokeOff(Exception):
        pass

    def break_off(points: int) -> None:
        if points > 256:
            raise BrokeOff

    with pytest.raises(BrokeOff):
        copy_index(origin, target, break_off)
    assert len(everything(target)) == 512
    assert points_missing(target, origin) == Counter()
    assert points_missing(origin, target) == Counter({("home", False): 88})
    steps: list[int] = []
    assert copy_index(origin, target, steps.append) == Copied(600, 0, 1)
    assert steps == [256, 512, 600]
    assert everything(target) == everything(origin)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_only_the_target_has_is_counted_and_kept(make: Make, engine: str) -> None:
    origin, target = make("embedded"), make(engine)
    fill(origin)
    write(target, scene("v1/0"), scene("v7/0"), scene("v8/0", workspace="elsewhere"))
    target.upsert([scene("v9/0")])
    kept = points_missing(target, origin)
    assert kept == Counter({("home", True): 1, ("home", False): 1, ("elsewhere", True): 1})
    with pytest.raises(StoreError, match=r"The copy of the workspace home has 4 live points and should have 3: end"):
        copy_index(origin, target, print)
    assert copy_index(origin, target, print, kept) == Copied(6, 2, 4)
    assert len(everything(target)) == 9
    assert target.count(SceneFilter("elsewhere")) == 1


def test_an_origin_that_is_written_to_meanwhile_is_noticed(make: Make) -> None:
    origin, target = make("embedded"), make("embedded")
    fill(origin)
    with pytest.raises(
        StoreError,
        match=r"The index was written to while it was copied \(the workspace home had 5 points, now 6\): end the runs",
    ):
        copy_index(origin, target, lambda points: origin.upsert([scene("v4/0")]))


class Forgetful(EmbeddedIndex):
    """Loses a description on its way."""

    def put_descriptions(self, points: Sequence[VideoPoint]) -> None:
        super().put_descriptions(points[1:])


def test_a_description_that_does_not_arrive_is_noticed(make: Make, tmp_path: Path) -> None:
    origin = make("embedded")
    fill(origin)
    with (
        Forgetful(tmp_path / "forgetful" / "scenes", SPEC, owner="a test") as target,
        pytest.raises(StoreError, match="1 of 1 descriptions of the workspace away did not arrive: copy again"),
    ):
        copy_index(origin, target, print)


def test_a_target_that_loses_points_is_noticed(make: Make) -> None:
    origin, target = make("embedded"), make("embedded")
    fill(origin)
    lost = scene("v1/0")
    with pytest.raises(StoreError, match=r"The copy of the workspace home has 1 live points and should have 3: end"):
        copy_index(origin, target, lambda points: target.delete_video("home", lost.video_id))


def test_vectors_that_do_not_fit_are_refused(make: Make, qdrant: QdrantServer, tmp_path: Path) -> None:
    origin = make("embedded")
    fill(origin)
    other = ServerIndex(qdrant.url, IndexSpec("text", 4, "vision", 2, sparse_idf=True), server_settings(tmp_path))
    with pytest.raises(IndexMismatch, match=r"The visual vector of scene .* has shape \(3,\)"):
        copy_index(origin, other, print)
    drop(other)


def test_a_server_builds_no_graphs_while_points_come_and_does_afterwards(make: Make) -> None:
    origin, target = make("embedded"), make("server")
    assert isinstance(target, ServerIndex)
    fill(origin)
    thresholds = []

    def threshold() -> int | None:
        config = target.connection.call(lambda client: client.get_collection(target.names.scenes)).config
        limit = config.optimizer_config.indexing_threshold
        return None if limit is None else int(limit)

    thresholds.append(threshold())
    copy_index(origin, target, lambda points: thresholds.append(threshold()))
    thresholds.append(threshold())
    with pytest.raises(KeyboardInterrupt):
        copy_index(origin, target, lambda points: (_ for _ in ()).throw(KeyboardInterrupt))
    thresholds.append(threshold())
    usual = thresholds[0]
    assert usual
    assert thresholds == [usual, 0, usual, usual]
