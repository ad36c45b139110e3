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

import numpy as np
import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexFailed, IndexMismatch, StoreError
from footage.index import VectorIndex
from footage.index_records import IndexSpec, ScenePoint, StoredPoint, VectorQuery
from footage.ownership import Ownership, read_owner
from footage.shared_index import SharedIndex
from tests.conftest import PROJECT
from tests.points import ALL, LIVE, SPEC, described, ids, names, same, scene, seen, video, write

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
    with pytest.raises(IndexFailed, match="was closed in this process"):
        owner.count(LIVE)


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
                rebuilt_copy(points, path)
                (owner, other)[turn % 2].take_rebuilt()
        finally:
            ended.set()

    in_threads([*(lambda index=index: search(index) for index in (owner, owner, other, other)), exchange])
    assert answers
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


# Writes scenes of its own video, one after the other, and says which are confirmed; searches in between.
WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import numpy as np
    from footage.index_records import VectorQuery
    from footage.shared_index import SharedIndex
    from tests.points import LIVE, SPEC, scene, seen, write
    path, video, first, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    query = [VectorQuery("visual", np.asarray([1, 0, 0], np.float32))]
    index = SharedIndex(path, SPEC, f"writer of {video}", patience_s=30)
    for number in range(first, first + count):
        point = seen(scene(f"{video}/{number}"), visual=[1, number / 1000, 0])
        write(index, point)
        found = index.search(query, LIVE, 1000)[0]
        assert point.scene_id in {hit.scene_id for hit in found}, number
        print(number, flush=True)
    """
)


def test_owners_that_are_killed_again_and_again_lose_nothing(path: Path) -> None:
    """Three writers; whoever owns the index is killed, and begun again behind what it had confirmed."""
    EmbeddedIndex(path, SPEC, "a test").close()
    wanted, kills, count = 3, 0, 60
    confirmed: dict[str, list[int]] = {f"v{number}": [] for number in range(wanted)}
    writers = {name: writer(path, name, 0, count) for name in confirmed}
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and kills < 4 and any(one.poll() is None for one in writers.values()):
            time.sleep(0.4)
            owner = read_owner(path.with_name("scenes.lock"))
            for name, process in writers.items():
                if owner is not None and process.pid == owner.pid and process.poll() is None:
                    process.kill()
                    confirmed[name] += lines(process)
                    kills += 1
                    first = len(confirmed[name])
                    writers[name] = writer(path, name, first, count - first)
                    break
        for name, process in writers.items():
            confirmed[name] += lines(process)
            assert process.returncode == 0, name
    finally:
        for process in writers.values():
            process.kill()
            process.communicate()
    assert kills > 1  # how many depends on how fast the writers are
    assert confirmed == {name: list(range(count)) for name in confirmed}
    with EmbeddedIndex(path, SPEC, "a test", create=False) as index:
        assert names(index, LIVE) == ids(*(scene(f"{name}/{number}") for name in confirmed for number in range(count)))


def writer(path: Path, name: str, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)


def lines(process: subprocess.Popen[str]) -> list[int]:
    """What it confirmed before it ended."""
    return [int(line) for line in process.communicate(timeout=60)[0].splitlines()]
