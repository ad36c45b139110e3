"""Rebuilding an index of either engine: nothing is lost, searches go on, and a kill leaves the old one."""

import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexUnavailable, StoreError
from footage.index_address import IndexAddress
from footage.index_copy import Copied
from footage.index_records import IndexSpec, StoredPoint, VectorQuery
from footage.index_spec import read_spec
from footage.ownership import Ownership
from footage.reindexing import reindex
from footage.server_index import ServerIndex
from footage.server_swap import new_generation, unused_generations
from footage.shared_index import SharedIndex
from footage.storage_settings import QdrantSettings
from tests.conftest import PROJECT
from tests.footage.test_index_copy import everything, fill
from tests.points import LIVE, SPEC, described, drop, ids, names, scene, seen, server_settings, write
from tests.qdrant_server.faults import Fault
from tests.qdrant_server.fixtures import QdrantServer

FILES = ["scenes", "scenes.lock", "spec.json", "videos"]
QUERY = [VectorQuery("visual", np.asarray([0.3, 0.1, 0.9], np.float32))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Scenes of a filled embedded index, which is closed."""
    path = tmp_path / "store" / "index" / "scenes"
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        fill(index)
    return path


def rebuild(path: Path, say: Callable[[str], None] = print) -> Copied:
    return reindex(IndexAddress(path, ""), SPEC, QdrantSettings(), say)


def test_an_embedded_index_is_rebuilt_and_goes_on(path: Path) -> None:
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        before, told = everything(index), described(index)
    said: list[str] = []
    assert rebuild(path, said.append) == Copied(points=6, descriptions=2, videos=4)
    assert said == [
        "6 scenes written anew",
        "6 scenes written anew; building their graphs",
        "putting the rebuilt index in place",
    ]
    assert sorted(file.name for file in path.parent.iterdir()) == FILES
    with EmbeddedIndex(path, SPEC, owner="a test", create=False) as index:
        assert everything(index) == before
        assert described(index) == told
        write(index, scene("v5/0"))
        assert names(index, LIVE) == ids(scene("v1/0"), scene("v1/10"), scene("v2/0"), scene("v5/0"))


def test_graphs_are_built_of_a_large_index(tmp_path: Path) -> None:
    path = tmp_path / "index" / "scenes"
    spec = IndexSpec("text-model", 8192, "vision-model", 3, sparse_idf=True)
    random = np.random.default_rng(0)
    points = [
        StoredPoint(seen(scene(f"v{number}/0"), transcript=list(random.normal(size=8192))), live=True)
        for number in range(700)  # 20 MB, from where the engine builds graphs, are 640 vectors
    ]
    with EmbeddedIndex(path, spec, owner="a test") as index:
        index.restore(points)
    assert not list(path.rglob("graph.bin"))
    assert reindex(IndexAddress(path, ""), spec, QdrantSettings(), print).points == 700
    assert list(path.rglob("vector_index-transcript/graph.bin"))
    with EmbeddedIndex(path, spec, owner="a test") as index:
        write(index, seen(scene("v1/10"), transcript=[1.0] * 8192))
        wanted = [points[number].point for number in range(0, 700, 70)]
        for point in wanted:
            assert point.vectors.transcript is not None
            (hits,) = index.search([VectorQuery("transcript", point.vectors.transcript)], LIVE, 1)
            assert [hit.scene_id for hit in hits] == [point.scene_id]
        assert index.count(LIVE) == 701


def test_searches_of_others_are_answered_while_an_embedded_index_is_rebuilt(path: Path) -> None:
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        expected = index.search(QUERY, LIVE, 10)
    answers = []

    def search(step: str) -> None:
        if step.endswith("graphs"):
            with SharedIndex(path, SPEC, owner="footage search") as asking:
                answers.append(asking.search(QUERY, LIVE, 10))
            with pytest.raises(IndexBusy, match="is held by `footage reindex`"):
                EmbeddedIndex(path, SPEC, owner="footage index")

    rebuild(path, search)
    assert answers == [expected]


OWNING = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    import numpy as np
    from footage.index_records import VectorQuery
    from footage.shared_index import SharedIndex
    from tests.points import LIVE, SPEC
    QUERY = [VectorQuery("visual", np.asarray([0.3, 0.1, 0.9], np.float32))]
    with SharedIndex(Path(sys.argv[1]), SPEC, "footage serve") as index:
        expected, answers = index.search(QUERY, LIVE, 10), 0
        print("owner", flush=True)
        while not Path(sys.argv[2]).exists():
            assert index.search(QUERY, LIVE, 10) == expected
            answers += 1
            time.sleep(0.005)  # the rebuild needs a core too
        print(answers, flush=True)
    """
)


@pytest.mark.parametrize("killed", [False, True])
def test_an_index_that_another_process_owns_is_rebuilt(path: Path, tmp_path: Path, killed: bool) -> None:
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        before, told = everything(index), described(index)
    command = [sys.executable, "-c", OWNING, str(path), str(tmp_path / "done")]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "owner\n"
    scenes = path.stat().st_ino

    def kill(step: str) -> None:
        if killed and step.endswith("graphs"):
            owner.kill()

    try:
        assert rebuild(path, kill).points == 6
        assert path.stat().st_ino != scenes
        (tmp_path / "done").touch()
        answers = owner.communicate(timeout=30)[0]
    finally:
        owner.kill()
    assert killed or (owner.returncode == 0 and int(answers) > 0)
    assert sorted(file.name for file in path.parent.iterdir()) == FILES
    with EmbeddedIndex(path, SPEC, owner="a test", create=False) as index:
        assert everything(index) == before
        assert described(index) == told


def test_a_rebuild_that_is_still_at_work_is_left_alone(path: Path) -> None:
    aside = path.parent / ".rebuilt" / "scenes"
    held = Ownership(aside.with_name("scenes.lock"), "footage reindex")
    with pytest.raises(IndexBusy, match=r"is held by `footage reindex`"):  # its child may outlive it off Linux
        rebuild(path)
    held.release()
    assert rebuild(path).points == 6


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from footage.index_address import IndexAddress
    from footage.reindexing import reindex
    from footage.storage_settings import QdrantSettings
    from tests.points import SPEC
    def say(step):
        print(step, flush=True)
        if sys.argv[2] in step:
            sys.stdin.readline()
    reindex(IndexAddress(Path(sys.argv[1]), ""), SPEC, QdrantSettings(), say)
    """
)


@pytest.mark.parametrize("step", ["written anew", "building", "in place"])
def test_a_killed_rebuild_leaves_the_old_index_and_the_next_one_cleans_up(path: Path, step: str) -> None:
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        before = everything(index)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), step],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if step in line:
            break
    children = children_of(process) if step == "building" else []
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert psutil.wait_procs(children, timeout=10)[1] == []  # nobody writes on
    assert (path.parent / ".rebuilt").exists()
    with EmbeddedIndex(path, SPEC, owner="a test", wait_s=10, create=False) as index:
        assert everything(index) == before
        write(index, scene("v6/0"))
    assert rebuild(path).points == 7
    assert sorted(file.name for file in path.parent.iterdir() if file.name != "scenes.address") == FILES


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """What builds the graphs, as soon as it is there; the rebuild waits for it."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    while not (children := psutil.Process(process.pid).children()):
        time.sleep(0.01)
    return children


@pytest.mark.parametrize("folder", ["scenes", "videos"])
@pytest.mark.parametrize("killed", ["before the new one came", "before the old one went"])
def test_an_exchange_that_was_killed_is_settled_when_the_index_is_opened(path: Path, folder: str, killed: str) -> None:
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        before = everything(index)
    place = path.with_name(folder)
    former = path.with_name(f".{folder}.former")
    place.rename(former)
    if killed == "before the old one went":
        shutil.copytree(former, place)
    assert read_spec(path) == SPEC
    with EmbeddedIndex(path, SPEC, owner="a test", create=False) as index:
        assert everything(index) == before
        assert len(index.descriptions("home")) == 1
    assert sorted(file.name for file in path.parent.iterdir()) == FILES


def test_there_has_to_be_an_index(tmp_path: Path, qdrant: QdrantServer) -> None:
    for address in (IndexAddress(tmp_path / "index" / "scenes", ""), IndexAddress(None, qdrant.url)):
        with pytest.raises(StoreError, match="Nothing is indexed"):
            reindex(address, SPEC, server_settings(tmp_path), print)


@pytest.fixture
def server(qdrant: QdrantServer, tmp_path: Path) -> Iterator[ServerIndex]:
    """A filled index on the tests' server."""
    index = ServerIndex(qdrant.url, SPEC, server_settings(tmp_path))
    fill(index)
    yield index
    qdrant.faults.clear()
    drop(index)


def test_a_server_answers_all_the_while_and_has_the_settings_of_today(server: ServerIndex, tmp_path: Path) -> None:
    before, expected, former = everything(server), server.search(QUERY, LIVE, 10), server.collections()
    left = new_generation(server)  # as a killed one leaves it
    left.close()
    assert unused_generations(server) == sorted([left.names.scenes, left.names.videos])
    ended, answers = threading.Event(), []

    def search() -> None:
        while not ended.is_set():
            answers.append(server.search(QUERY, LIVE, 10))

    searching = threading.Thread(target=search)
    searching.start()
    settings = server_settings(tmp_path, quantization="scalar", vectors_on_disk=True)
    copied = reindex(IndexAddress(None, server.url), SPEC, settings, print)
    ended.set()
    searching.join()
    assert copied == Copied(points=6, descriptions=2, videos=4)
    assert answers
    assert [answer for answer in answers if answer != expected] == []
    assert everything(server) == before
    now = server.collections()
    assert {now.scenes, now.videos}.isdisjoint({former.scenes, former.videos})
    assert unused_generations(server) == []
    config = server.connection.call(lambda client: client.get_collection(now.scenes)).config
    assert config.quantization_config is not None
    assert [vector.on_disk for vector in config.params.vectors.values()] == [True] * 3


def test_a_rebuild_that_the_server_breaks_off_leaves_the_old_collections(
    server: ServerIndex, qdrant: QdrantServer, tmp_path: Path
) -> None:
    before, former = everything(server), server.collections()

    def cut(step: str) -> None:
        if step.endswith("graphs"):
            qdrant.faults.add("Collections/UpdateAliases", Fault(status="UNAVAILABLE"), times=1000)

    settings = server_settings(tmp_path, patience_s=0.5)
    with pytest.raises(IndexUnavailable):
        reindex(IndexAddress(None, server.url), SPEC, settings, cut)
    qdrant.faults.clear()
    assert server.collections() == former
    assert unused_generations(server) == []
    assert everything(server) == before
