"""Calls of an index by who does not own it, on the owner's socket."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexFailed, IndexMismatch
from footage.index_calls import METHODS
from footage.index_client import IndexClient
from footage.index_records import IndexSpec, SceneFilter, StoredPoint, VectorQuery
from footage.index_service import IndexService, address_file
from footage.index_wire import from_line, to_line
from footage.records import SparseVector
from tests.conftest import PROJECT
from tests.points import LIVE, SPEC, scene, seen, write

WHERE = SceneFilter("home", ("b", "c"), "en", ("outdoor", "night"), 1.5, 2.5, 0.5, 9.0, 1_800_000_000.25, False, ("a",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "index" / "scenes"


@pytest.fixture
def owned(path: Path) -> Iterator[tuple[EmbeddedIndex, IndexService]]:
    index = EmbeddedIndex(path, SPEC, owner="the owner")
    write(index, seen(scene("v1/0"), visual=[1, 0, 0]))
    service = IndexService(index, path, METHODS)
    yield index, service
    service.close()
    index.close()


@pytest.fixture
def client(path: Path, owned: tuple[EmbeddedIndex, IndexService]) -> Iterator[IndexClient]:
    client = IndexClient(path, SPEC, answer_within_s=10)
    yield client
    client.close()


def test_what_goes_over_the_wire_comes_back_as_it_was() -> None:
    point = seen(scene("v1/0", tags=("a", "b"), indexed_at=1_800_000_000.125), visual=[0.1, 0.2, 0.7], sparse={7: 0.1})
    given = [WHERE, StoredPoint(point, True), VectorQuery("image", np.asarray([0.1, 1e-30], np.float32)), None, "é\n"]
    where, stored, query, nothing, text = from_line(to_line(given))
    assert (where, nothing, text) == (WHERE, None, "é\n")
    assert hash(stored.point.tags) == hash(("a", "b"))
    assert stored.point.vectors.transcript is None
    assert stored.point.vectors.transcript_sparse == SparseVector((7,), (0.1,))
    assert stored.point.vectors.visual.tolist() == point.vectors.visual.tolist()  # type: ignore[union-attr]
    assert (query.list_name, query.vector.dtype, query.vector.tolist()) == (
        "image",
        np.float32,
        np.asarray([0.1, 1e-30], np.float32).tolist(),
    )
    with pytest.raises(TypeError, match="set cannot be sent"):
        to_line([{1}])
    with pytest.raises(KeyError):
        from_line(json.dumps({"Path": ["/etc"]}).encode())


def test_errors_that_footage_raises_on_purpose_arrive_as_such(client: IndexClient) -> None:
    with pytest.raises(IndexMismatch, match=r"The visual vector of scene .* has shape \(2,\)"):
        client.call("upsert", ([seen(scene("v2/0"), visual=[1, 0])],))
    client.call("bind", ("store-1",))
    with pytest.raises(IndexMismatch, match="holds the scenes of another store"):
        client.call("bind", ("store-2", True))


def test_any_other_error_is_said_and_the_owner_goes_on(client: IndexClient) -> None:
    too_short = [VectorQuery("transcript", np.ones(2, np.float32))]
    for _ in range(2):
        with pytest.raises(IndexFailed, match=r"could not do what it was asked \(search\): .*dimension"):
            client.call("search", (too_short, LIVE, 5))
    assert client.call("count", (LIVE,)) == 1


@pytest.mark.parametrize("method", ["close", "__class__", "take_rebuilt"])
def test_only_what_is_served_can_be_called(client: IndexClient, method: str) -> None:
    with pytest.raises(IndexFailed, match=f"an index has no '{method}'"):
        client.call(method, ())


def test_a_line_that_is_no_call_is_answered_with_an_error(client: IndexClient, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(address_file(path).read_text())
        raw.sendall(b"GET / HTTP/1.1\r\n")
        assert json.loads(raw.recv(10_000))[0] == "failed"
    assert client.call("count", (LIVE,)) == 1


def test_another_model_is_refused(path: Path, owned: tuple[EmbeddedIndex, IndexService]) -> None:
    with pytest.raises(IndexMismatch, match="other-model"):
        IndexClient(path, IndexSpec("other-model", 4, "vision-model", 3, sparse_idf=True), 10).call("count", (LIVE,))


def test_who_is_gone_is_not_there(client: IndexClient, path: Path, owned: tuple[EmbeddedIndex, IndexService]) -> None:
    address = address_file(path).read_text()
    client.call("count", (LIVE,))
    owned[1].close()
    assert not address_file(path).exists()
    assert not Path(address).parent.exists()
    address_file(path).write_text(address)  # as a killed owner leaves it
    for _ in range(2):
        with pytest.raises(OSError, match=r"closed the connection|Broken pipe|No such file"):
            client.call("count", (LIVE,))
        assert not client.connected


class Slow:
    """An index that answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def count(self, where: SceneFilter) -> int:
        self.asked.set()
        self.go_on.wait(60)
        return 7


@pytest.fixture
def slow(path: Path) -> Iterator[tuple[Slow, IndexService]]:
    EmbeddedIndex(path, SPEC, owner="a test").close()
    slow = Slow()
    service = IndexService(slow, path, METHODS)
    yield slow, service
    slow.go_on.set()
    service.close()


def test_an_owner_that_takes_too_long_is_busy_and_not_gone(slow: tuple[Slow, IndexService], path: Path) -> None:
    with pytest.raises(IndexBusy, match=r"did not answer within 0\.2 s: it is busy"):
        IndexClient(path, SPEC, answer_within_s=0.2).call("count", (LIVE,))
    slow[0].go_on.set()
    assert IndexClient(path, SPEC, answer_within_s=60).call("count", (LIVE,)) == 7


def test_what_is_being_answered_when_the_owner_closes_is_answered(slow: tuple[Slow, IndexService], path: Path) -> None:
    client, answers = IndexClient(path, SPEC, answer_within_s=10), []
    asking = threading.Thread(target=lambda: answers.append(client.call("count", (LIVE,))))
    asking.start()
    assert slow[0].asked.wait(10)
    closing = threading.Thread(target=slow[1].close)
    closing.start()
    while address_file(path).exists():
        time.sleep(0.001)
    closing.join(0.05)
    assert closing.is_alive()
    slow[0].go_on.set()
    for thread in (asking, closing):
        thread.join(10)
    assert answers == [7]


def test_a_client_that_is_closed_while_it_asks_keeps_no_connection(slow: tuple[Slow, IndexService], path: Path) -> None:
    client, answers = IndexClient(path, SPEC, answer_within_s=60), []
    asking = threading.Thread(target=lambda: answers.append(client.call("count", (LIVE,))))
    asking.start()
    assert slow[0].asked.wait(60)
    client.close()
    slow[0].go_on.set()
    asking.join(60)
    assert (answers, client.connected) == ([7], False)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """An empty folder for sockets, which need short paths."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_connection_that_gave_nonsense_is_closed(path: Path, temporary: Path) -> None:
    EmbeddedIndex(path, SPEC, owner="a test").close()
    with socket.socket(socket.AF_UNIX) as owner, ThreadPoolExecutor(1) as pool:
        owner.bind(f"{temporary}/s")
        owner.listen()
        address_file(path).write_text(f"{temporary}/s")

        def answer() -> bytes:
            connection, _ = owner.accept()
            with connection:
                connection.settimeout(20)
                connection.recv(10_000)
                connection.sendall(b"?\n")
                return connection.recv(1)  # nothing once the other side is closed

        ended = pool.submit(answer)
        client = IndexClient(path, SPEC, answer_within_s=60)
        with pytest.raises(ValueError, match="Expecting value") as told:
            client.call("count", (LIVE,))
        assert told  # holds what was at work: it must not be its removal that closes
        assert (ended.result(), client.connected) == (b"", False)


def test_a_service_that_cannot_say_where_it_is_leaves_nothing(path: Path, temporary: Path) -> None:
    address_file(path).mkdir(parents=True)
    found = subprocess.run(
        [sys.executable, "-c", REFUSED_SERVICE, path],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(temporary)},  # so that nothing else is made there
        capture_output=True,
        text=True,
    )
    assert (found.stdout, found.stderr) == ("1 thread\n", "")
    assert list(temporary.iterdir()) == []


REFUSED_SERVICE = """
import sys, threading
from pathlib import Path
from footage.errors import StoreError
from footage.index_service import IndexService
try:
    IndexService(object(), Path(sys.argv[1]), frozenset())
except StoreError as error:
    assert "can be answered about" in str(error) and "(Is a directory): see that" in str(error), error
    print(threading.active_count(), "thread")
"""


def test_the_socket_is_for_its_user_only(owned: tuple[EmbeddedIndex, IndexService], path: Path) -> None:
    assert Path(address_file(path).read_text()).parent.stat().st_mode & 0o077 == 0
