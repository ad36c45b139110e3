"""What only a folder can do or suffer; what every store does is in test_object_store.py."""

import errno
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import strategies as st

from footage.directory_store import DirectoryStore
from footage.errors import StoreError

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def test_another_process_uses_the_same_folder_wherever_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(DirectoryStore(Path("here")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    received = pickle.loads(sent)
    received.put("a", b"1")
    assert received.address == str(tmp_path / "here")
    assert (tmp_path / "here" / "a").read_bytes() == b"1"


PARTS = st.text(st.sampled_from("a.-é0"), min_size=1, max_size=3).filter(lambda part: not part.startswith("."))
KEYS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


def test_a_name_that_is_too_long_is_named(store: DirectoryStore, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(StoreError, match=r"Cannot list a/\S+ in the store .*: File name too long"):
        list(store.list("a/" + "x" * 300 + "/"))
    with pytest.raises(StoreError, match=r"Cannot write a/x+ in the store .*: File name too long"):
        store.put("a/" + "x" * 300, b"")


@pytest.mark.parametrize("write", [DirectoryStore.put, DirectoryStore.create])
def test_a_key_that_continues_another_is_refused(
    store: DirectoryStore, write: Callable[[DirectoryStore, str, bytes], object]
) -> None:
    store.put("a/b", b"1")
    for key, reason in (("a/b/c", "Not a directory"), ("a", "Is a directory")):
        with pytest.raises(StoreError, match=f"Cannot write {key} in the store .*: {reason}"):
            write(store, key, b"2")
    assert list(store.list("")) == ["a/b"]


def test_an_upload_of_what_cannot_be_read_changes_nothing(store: DirectoryStore, tmp_path: Path) -> None:
    store.put("a", b"1")
    missing = tmp_path / "missing.jpg"
    with pytest.raises(StoreError, match=rf"Cannot read {missing}, which is to be stored as a: No such file"):
        store.upload("a", missing)
    assert store.get("a") == b"1"


def test_without_hard_links_one_still_creates(tmp_path: Path) -> None:
    class WithoutLinks(DirectoryStore):
        """A folder on exFAT."""

        def _link(self, part: Path, path: Path) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    store = WithoutLinks(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: store.create("claims/one", str(number).encode()), range(16)))
    assert won.count(True) == 1
    assert store.get("claims/one") == str(won.index(True)).encode()


def test_a_killed_writer_leaves_no_object(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from footage.directory_store import DirectoryStore\n"
        "store = DirectoryStore(Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "while True: store.put('a/b', bytes(3_000_000))\n"
    )
    store = DirectoryStore(tmp_path)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=PROJECT)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert set(store.list("")) <= {"a/b"}
        assert all(store.get(key) == bytes(3_000_000) for key in store.list(""))


def test_what_a_killed_writer_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.probe()
    old, young = tmp_path / ".tmp" / "old", tmp_path / ".tmp" / "young"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.probe()
    assert (old.exists(), young.exists()) == (False, True)


@pytest.fixture
def not_writable(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "store"


def test_a_store_that_cannot_be_written_says_so(not_writable: Path) -> None:
    store = DirectoryStore(not_writable)
    with pytest.raises(StoreError, match=r"Cannot write probe-\w+ in the store .*/file/store: Not a directory"):
        store.probe()
