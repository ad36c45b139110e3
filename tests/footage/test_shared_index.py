"""One embedded index for several processes: everybody's calls are done, whoever owns it, and whoever is killed."""

import contextlib
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexFailed, IndexMismatch, StoreError
from footage.index import VectorIndex
from footage.index_records import IndexSpec, ScenePoint, StoredPoint, VectorQuery
from footage.index_service import address_file
from footage.ownership import Ownership, read_owner
from footage.shared_index import SharedIndex
from tests.conftest import PROJECT
from tests.points import ALL, LIVE, SPEC, described, ids, names, same, scene, seen, video, write

T = TypeVar("T")

QUERIES = [
    VectorQuery("visual", np.asarray([0.3, 0.1, 0.9], np.float32)),
    VectorQuery("image", np.asarray([0.9, 0.1, 0.3], np.float32)),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "index" / "scenes"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., SharedIndex]]:
    """Opens the index again, each time as another process would; the first one owns it."""
    with contextlib.ExitStack() as stack:
        yield lambda **changes: stack.enter_context(
            SharedIndex(path, **({"spec": SPEC, "owner": "a test", "patience_s": 20} | changes))
        )


def test_every_call_of_another_process_is_done_by_the_owner(opened: Callable[..., SharedIndex]) -> None:
    owner, other = opened(), opened()
    first = seen(scene("v1/0", tags=("a", "b")), transcript=[0.5, 0.5, 0.5, 0.5], sparse={3: 0.5}, visual=[1, 0, 0])
    second = seen(scene("v1/10"), visual=[0, 0.6, 0.8])
    write(other, first, second)
    other.restore([StoredPoint(scene("v2/0"), live=False)])
    other.put_descriptions([video("v1", [0.6, 0.8, 0, 0])])
    other.bind("store-1")
    for index in (owner, other):
        assert (index.count(LIVE), index.count(ALL)) == (2, 3)
        assert [same(a, b) for a, b in zip(index.points(LIVE), (first, second), strict=True)] == [True, True]
        with pytest.raises(IndexMismatch):
            index.bind("store-2")
    assert other.search(QUERIES, LIVE, 5) == owner.search(QUERIES, LIVE, 5)
    asked = np.asarray([1, 0, 0, 0], np.float32)
    found = other.search_videos(asked, "home", (first.video_id,), 5)
    assert found == owner.search_videos(asked, "home", (first.video_id,), 5)
    assert len(found) == 1
    assert described(other) == described(owner)
    page, rest = other.scan(None, limit=2, with_vectors=False), other.scan(None, owner.scan(None, limit=2).next)
    assert {stored.point.scene_id for stored in (*page.points, *rest.points)} == ids(first, second, scene("v2/0"))
    other.delete_video("home", first.video_id)
    assert (owner.count(ALL), other.descriptions("home")) == (1, [])


def test_who_only_asks_never_owns(opened: Callable[..., SharedIndex], path: Path) -> None:
    asking = opened(owner=None, patience_s=0.2)  # before there is anything
    with pytest.raises(IndexBusy):
        asking.count(ALL)
    owner = opened()
    write(owner, scene("v1/0"))
    assert asking.count(LIVE) == 1
    owner.close()
    with pytest.raises(IndexBusy):
        asking.count(LIVE)
    with opened(owner="another"):
        assert asking.count(LIVE) == 1


def test_who_asks_next_takes_over_when_the_owner_closes(opened: Callable[..., SharedIndex], path: Path) -> None:
    owner, second, third = opened(owner="one"), opened(owner="two"), opened(owner="three")
    write(second, scene("v1/0"))
    assert third.count(LIVE) == 1
    owner.close()
    assert third.count(LIVE) == 1
    held = read_owner(path.with_name("scenes.lock"))
    assert held is not None
    assert held.what == "three"
    write(second, scene("v1/10"))
    assert names(third, LIVE) == ids(scene("v1/0"), scene("v1/10"))
    third.close()
    second.close()
    for closed in (owner, second, third):
        with pytest.raises(IndexFailed, match="was closed in this process"):
            closed.count(LIVE)


def test_who_holds_it_and_does_not_answer_is_said(opened: Callable[..., SharedIndex], path: Path) -> None:
    EmbeddedIndex(path, SPEC, "a test").close()
    held = Ownership(path.with_name("scenes.lock"), "footage index films")
    with pytest.raises(IndexBusy, match=r"The index of .*/store is held by `footage index films` .* does not answer\."):
        opened(patience_s=0.1)
    threading.Timer(0.3, held.release).start()
    assert opened().count(LIVE) == 0


def test_what_cannot_be_opened(opened: Callable[..., SharedIndex], path: Path) -> None:
    with pytest.raises(StoreError, match="Nothing is indexed in"):
        opened(create=False)
    opened()
    for _ in range(2):  # the owner's index is of other models, and then that on the disk
        with pytest.raises(IndexMismatch, match="other-model"):
            opened(spec=IndexSpec("other-model", 4, "vision-model", 3, sparse_idf=True))


def test_who_cannot_answer_the_others_does_not_own_it(opened: Callable[..., SharedIndex], path: Path) -> None:
    EmbeddedIndex(path, SPEC, "a test").close()
    address_file(path).mkdir()
    with pytest.raises(StoreError, match="No other program can be answered"):
        opened()
    address_file(path).rmdir()
    assert opened().count(LIVE) == 0


def test_what_could_not_be_loaded_after_an_exchange_is_tried_again(
    opened: Callable[..., SharedIndex], path: Path
) -> None:
    owner, other = opened(), opened()
    write(owner, scene("v1/0"))
    rebuilt_copy([scene("v2/0")], path)
    shard = path.parent / ".rebuilt" / "scenes"
    shard.rename(shard.with_name("kept"))
    shard.mkdir()
    with pytest.raises(Exception, match="edge config"):
        owner.take_rebuilt()
    with pytest.raises(Exception, match="edge config"):
        owner.count(LIVE)
    shutil.rmtree(path)
    shard.with_name("kept").rename(path)
    assert names(owner, LIVE) == names(other, LIVE) == ids(scene("v2/0"))


def test_many_that_begin_at_once_make_one_index(opened: Callable[..., SharedIndex]) -> None:
    begun = threading.Barrier(4)

    def begin(number: int) -> None:
        begun.wait()
        write(opened(), scene(f"v{number}/0"))

    in_threads([lambda number=number: begin(number) for number in range(4)])
    assert opened().count(LIVE) == 4


def test_searches_wait_while_shards_are_exchanged_and_see_nothing_else(
    opened: Callable[..., SharedIndex], path: Path
) -> None:
    owner, other = opened(), opened()
    points = [seen(scene(f"v{number}/0"), visual=[1, number, 2]) for number in range(20)]
    write(owner, *points)
    owner.put_descriptions([video("v1", [0.6, 0.8, 0, 0])])
    expected, ended = owner.search(QUERIES, LIVE, 10), threading.Event()
    answers: list[bool] = []

    def search(index: VectorIndex) -> None:
        while not ended.is_set():
            answers.append(index.search(QUERIES, LIVE, 10) == expected and len(index.descriptions("home")) == 1)

    def exchange() -> None:
        try:
            for turn in range(3):
                before = len(answers)
                soon(lambda before=before: len(answers) > before)
                rebuilt_copy(points, path)
                (owner, other)[turn % 2].take_rebuilt()
        finally:
            ended.set()

    in_threads([*(lambda index=index: search(index) for index in (owner, owner, other, other)), exchange])
    assert all(answers)
    other.take_rebuilt()  # which is done already: there is nothing to be exchanged
    assert owner.search(QUERIES, LIVE, 10) == expected


def rebuilt_copy(points: list[ScenePoint], path: Path) -> None:
    """The same scenes where `footage reindex` builds them."""
    aside = path.parent / ".rebuilt" / "scenes"
    shutil.rmtree(aside.parent, ignore_errors=True)
    with EmbeddedIndex(aside, SPEC, owner="a test") as fresh:
        fresh.restore([StoredPoint(point, live=True) for point in points])
        fresh.put_descriptions([video("v1", [0.6, 0.8, 0, 0])])


def in_threads(works: list[Callable[[], None]]) -> None:
    """Do all of it at once; raises what one of them raised."""
    failed: list[BaseException] = []
    former, threading.excepthook = threading.excepthook, lambda args: failed.append(args.exc_value or SystemExit())
    try:
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        threading.excepthook = former
    assert failed == []


# Writes scenes of its own video, one after the other, until it is told to stop; says which are confirmed, and searches.
WRITER = textwrap.dedent(
    """
    import sys
    from itertools import count
    from pathlib import Path
    import numpy as np
    from footage.index_records import SceneFilter, VectorQuery
    from footage.shared_index import SharedIndex
    from tests.points import SPEC, scene, seen, write
    path, video, first, stop = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    query = [VectorQuery("visual", np.asarray([1, 0, 0], np.float32))]
    index = SharedIndex(path, SPEC, f"writer of {video}", patience_s=60)
    for number in count(first):
        point = seen(scene(f"{video}/{number}"), visual=[1, number / 1000, 0])
        write(index, point)
        own = SceneFilter("home", (point.video_id,))
        found = {hit.scene_id for hit in index.search(query, own, number + 2)[0]}
        assert found == {scene(f"{video}/{before}").scene_id for before in range(number + 1)}, number
        print(number, flush=True)
        if stop.exists():  # and the scene that a killed one had under way is written again, and confirmed
            break
    """
)


class Writers:
    """Three of them, in processes of their own; what each confirmed is in a file, which outlives it."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder, self.stop = path, folder, folder / "stop"
        self.processes = {name: self.begun(name) for name in ("v0", "v1", "v2")}

    def begun(self, name: str) -> subprocess.Popen[str]:
        """A writer that goes on behind what those before it confirmed."""
        first = len(self.confirmed(name))
        command = [sys.executable, "-c", WRITER, str(self.path), name, str(first), str(self.stop)]
        with self.file(name).open("a") as lines:
            return subprocess.Popen(command, stdout=lines, text=True, cwd=PROJECT)

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.confirmed"

    def confirmed(self, name: str) -> list[int]:
        return [int(line) for line in self.file(name).read_text().splitlines()] if self.file(name).exists() else []

    def count(self) -> int:
        return sum(len(self.confirmed(name)) for name in self.processes)

    def owner(self) -> str | None:
        """Who of them owns the index."""
        owner = read_owner(self.path.with_name("scenes.lock"))
        return next((name for name, each in self.processes.items() if owner and each.pid == owner.pid), None)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()


def test_owners_that_are_killed_again_and_again_lose_nothing(path: Path, tmp_path: Path) -> None:
    """Whoever of the writers owns the index is killed once another scene is confirmed, and begun again."""
    EmbeddedIndex(path, SPEC, "a test").close()
    writers = Writers(path, tmp_path)
    try:
        for _ in range(4):
            soon(writers.owner)
            before = writers.count()
            soon(lambda before=before: writers.count() > before)
            killed = soon(writers.owner)
            writers.kill(killed)
            writers.processes[killed] = writers.begun(killed)
        writers.stop.touch()
        assert [process.wait(120) for process in writers.processes.values()] == [0, 0, 0]
    finally:
        for name in writers.processes:
            writers.kill(name)
    for name in writers.processes:
        assert writers.confirmed(name) == list(range(len(writers.confirmed(name))))
    with EmbeddedIndex(path, SPEC, "a test", create=False) as index:
        written = (scene(f"{name}/{number}") for name in writers.processes for number in writers.confirmed(name))
        assert names(index, LIVE) == ids(*written)
        assert index.count(ALL) == writers.count()


def soon(wanted: Callable[[], T]) -> T:
    """What this gives once it gives something."""
    deadline = time.monotonic() + 120
    while not (given := wanted()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return given
