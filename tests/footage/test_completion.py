"""The commit protocol with several runs at once: one sleeps or dies before any of its requests, another takes over."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from footage.catalog import Catalog
from footage.erasing import Eraser
from footage.index import VectorIndex
from footage.index_records import SceneFilter
from tests.indexing import Run, check_video
from tests.memory_folder import memory_folder
from tests.memory_store import MemoryStore
from tests.points import drop, open_engine
from tests.spans import FINGERPRINT, WORKSPACE
from tests.steps import Killed, Steps, kill

FIRST = Run("run-1", dataset="pilots")
VIDEO = FIRST.video_id
NEWER = Run("run-2", fingerprint="f" * 16, texts=("a", "b"), span_count=1)
OLDER = Run("run-0", fingerprint="0" * 16, texts=("a", "b", "c", "d"), span_count=3)


class Places:
    """Stores that all begin in one way, and the index that belongs to the current one."""

    def __init__(self, index: VectorIndex) -> None:
        self.index = index
        self.store = MemoryStore()

    def fresh(self, before: Run | None) -> None:
        """A store in which `before` has indexed the file, if it is given."""
        for point in self.index.points(SceneFilter(WORKSPACE, live_only=False)):
            self.index.delete_video(WORKSPACE, point.video_id)
        self.store = MemoryStore()
        if before is not None:
            self.run(before)

    def run(self, run: Run, steps: Steps | None = None) -> list[str]:
        return run.index(self.store, self.index, steps)

    def check(self, run: Run) -> str:
        return check_video(self.store, self.index, run.video_id)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.store, WORKSPACE)

    def before_each_request(
        self, before: Run | None, meanwhile: Callable[[], None], first: Run = FIRST
    ) -> Iterator[tuple[str, list[str]]]:
        """Let `first` run in a fresh store for each of its requests, with `meanwhile` before that one.

        Gives the request, and the statuses of `first`; none where it was killed.
        """
        self.fresh(before)
        steps = Steps()
        self.run(first, steps)
        for number, request in enumerate(steps.done):
            self.fresh(before)
            try:
                statuses = self.run(first, Steps(number, meanwhile))
            except Killed:
                statuses = []
            yield f"{number}: {request}", statuses


@pytest.fixture(scope="module")
def index(request: pytest.FixtureRequest) -> Iterator[VectorIndex]:
    engine = getattr(request, "param", "embedded")
    url = request.getfixturevalue("qdrant_of_session").url if engine == "server" else ""
    with memory_folder() as folder:
        index = open_engine(engine, folder, url)
        yield index
        drop(index)


@pytest.fixture
def places(index: VectorIndex) -> Places:
    return Places(index)


STARTS = pytest.mark.parametrize("before", [None, OLDER], ids=["new", "indexed before"])


@STARTS
def test_another_run_ends_what_a_killed_one_began(places: Places, before: Run | None) -> None:
    for request, _ in places.before_each_request(before, kill):
        places.run(replace(FIRST, run_id="run-2"))
        assert places.check(FIRST) == FINGERPRINT, request
        assert places.run(replace(FIRST, run_id="run-3")) == ["joined"], request
        assert list(places.catalog.datasets.videos("pilots")) == [FIRST.video_id], request


@STARTS
def test_a_run_that_slept_while_another_ended_its_video_changes_nothing(places: Places, before: Run | None) -> None:
    second = replace(FIRST, run_id="run-2")
    for request, statuses in places.before_each_request(before, lambda: places.run(second)):
        assert places.check(FIRST) == FINGERPRINT, request
        assert set(statuses) <= {"committed", "video_done", "elsewhere", "joined"}, request
        assert statuses[-1] != "committed", request
        assert places.run(replace(FIRST, run_id="run-3")) == ["joined"], request


@pytest.mark.parametrize("index", ["embedded", "server"], indirect=True)
@STARTS
def test_a_run_that_slept_while_another_pipeline_took_over_spoils_nothing(places: Places, before: Run | None) -> None:
    for request, _ in places.before_each_request(before, lambda: places.run(NEWER)):
        seen = places.check(FIRST)
        assert seen in (FINGERPRINT, NEWER.fingerprint), request
        assert places.run(replace(NEWER, run_id="run-3")) == (
            ["joined"] if seen == NEWER.fingerprint else ["video_done"]
        ), request
        assert places.check(FIRST) == NEWER.fingerprint, request
        assert "joined" not in places.run(replace(FIRST, run_id="run-4")), (
            request
        )  # and nothing half is taken for whole
        assert places.check(FIRST) == FINGERPRINT, request


def test_a_run_that_slept_while_its_video_was_deleted_leaves_it_whole_or_gone(places: Places) -> None:
    def delete() -> None:
        manifest = places.catalog.manifest(FIRST.video_id)
        assert manifest is not None
        assert Eraser(places.catalog, places.index, "gc", 0).erase(manifest, {*manifest.datasets})

    seen = set()
    for request, _ in places.before_each_request(OLDER, delete):
        seen.add(places.check(FIRST))
        if places.run(replace(FIRST, run_id="run-3"))[-1] == "committed":  # it found a span that is not there any more
            places.run(replace(FIRST, run_id="run-4"))
        assert places.check(FIRST) == FINGERPRINT, request
    assert seen == {"", FINGERPRINT}


@pytest.mark.parametrize("refers", ["pilots", None])
def test_a_run_that_slept_while_the_file_was_replaced_does_not_bring_the_old_one_back(
    places: Places, refers: str | None
) -> None:
    replaced = Run("run-2", content="another film", etag="e2", dataset=refers)
    first = replace(FIRST, read_at="2026-01-01T00:00:00.000+00:00")
    for request, _ in places.before_each_request(None, lambda: places.run(replaced), first):
        assert (places.check(FIRST), places.check(replaced)) in ((FINGERPRINT, FINGERPRINT), ("", FINGERPRINT)), request
        old, new = places.catalog.manifest(FIRST.video_id), places.catalog.manifest(replaced.video_id)
        assert old is None or old.sources == [], request
        assert new is not None
        assert [source.etag for source in new.sources] == ["e2"], request
        assert new.datasets == ["pilots"], request


def test_a_file_that_was_replaced_after_a_run_was_killed_is_no_source_of_what_it_held_before(places: Places) -> None:
    replaced = Run("run-2", content="another film", etag="e2")
    for request, _ in places.before_each_request(None, kill):
        places.run(replaced)
        assert places.check(replaced) == FINGERPRINT, request
        old = places.catalog.manifest(FIRST.video_id)
        assert old is None or (places.check(FIRST), old.sources) == (FINGERPRINT, []), request


def test_a_copy_that_was_replaced_after_a_run_was_killed_is_no_source_of_what_it_held_before(places: Places) -> None:
    first = Run("run-0", name="original")
    replaced = Run("run-2", content="another film", etag="e2")
    for request, _ in places.before_each_request(first, kill):
        places.run(replaced)
        old = places.catalog.manifest(FIRST.video_id)
        assert old is not None
        assert (places.check(FIRST), old.sources) == (FINGERPRINT, [first.claim.source]), request


@STARTS
def test_another_writer_of_the_same_run_does_no_harm(places: Places, before: Run | None) -> None:
    for request, statuses in places.before_each_request(before, lambda: places.run(FIRST)):
        assert places.check(FIRST) == FINGERPRINT, request
        assert statuses[-1] in ("video_done", "joined"), request
        assert places.run(replace(FIRST, run_id="run-3")) == ["joined"], request
