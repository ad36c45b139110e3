"""What every ObjectStore does. A new store joins `store` and has to pass all of it."""

import errno
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from footage.errors import ObjectMissing, StoreError
from footage.storage import DirectoryStore, ObjectStore

PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=["directory"])
def store(tmp_path: Path) -> ObjectStore:
    return DirectoryStore(tmp_path / "a store")


def test_what_is_put_is_got_and_listed_until_deleted(store: ObjectStore) -> None:
    store.put("videos/home/v1/manifest.json", b"one")
    store.put("videos/home/v1/manifest.json", b"two \x00\xff")
    assert store.get("videos/home/v1/manifest.json") == b"two \x00\xff"
    assert store.exists("videos/home/v1/manifest.json")
    assert list(store.list("")) == ["videos/home/v1/manifest.json"]
    store.delete("videos/home/v1/manifest.json")
    store.delete("videos/home/v1/manifest.json")
    assert not store.exists("videos/home/v1/manifest.json")
    assert list(store.list("")) == []


def test_a_missing_object_is_named(store: ObjectStore) -> None:
    store.put("a/b", b"")
    for key in ("nothing/here.json", "a", "a/b/c"):
        with pytest.raises(ObjectMissing, match=f"There is no object {key} in "):
            store.get(key)
        assert not store.exists(key)
        assert not store.swap(key, b"", b"x")
        store.delete(key)
    assert store.get("a/b") == b""


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put("datasets/home/pilots/v1", b"")
    assert store.get("datasets/home/pilots/v1") == b""
    assert not store.create("datasets/home/pilots/v1", b"x")


@pytest.mark.parametrize(
    "key", ["", "/", "/etc/passwd", "a//b", "a/", "../a", "a/../../b", "a/./b", "a\0b", ".hidden", "a/.tmp/b", "a\\b"]
)
def test_what_is_not_a_key_is_refused(store: ObjectStore, key: str) -> None:
    for use in (
        lambda: store.get(key),
        lambda: store.put(key, b""),
        lambda: store.create(key, b""),
        lambda: store.swap(key, b"", b""),
        lambda: store.delete(key),
        lambda: store.exists(key),
    ):
        with pytest.raises(StoreError, match="is not a key"):
            use()


def test_names_that_are_hard_on_file_systems(store: ObjectStore) -> None:
    keys = ["a b/ü.json", "a/日本語", "a/%2e%2e", "a/-rf", "a/x:y*?"]
    for key in keys:
        store.put(key, key.encode())
    assert [store.get(key).decode() for key in keys] == keys
    assert sorted(store.list("a")) == sorted(keys)
    with pytest.raises(StoreError, match=r"Cannot write a/x+ in the store .*: File name too long"):
        store.put("a/" + "x" * 300, b"")


def test_list_takes_any_prefix_in_the_order_of_whole_keys(store: ObjectStore) -> None:
    for key in ("b/1", "a/x/2", "a/x/1", "a/x.json", "a/y", "ab", "é/1", "z"):
        store.put(key, b"")
    assert list(store.list("")) == ["a/x.json", "a/x/1", "a/x/2", "a/y", "ab", "b/1", "z", "é/1"]
    assert list(store.list("a/x")) == ["a/x.json", "a/x/1", "a/x/2"]
    assert list(store.list("a/x/")) == ["a/x/1", "a/x/2"]
    assert list(store.list("nothing/")) == []
    for prefix in ("../", "/", "a//"):
        with pytest.raises(StoreError, match="is not a key"):
            list(store.list(prefix))


def test_list_goes_on_while_objects_vanish(store: ObjectStore) -> None:
    for number in range(200):
        store.put(f"a/{number % 20}/{number}", b"")
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            for number in range(200):
                store.delete(f"a/{number % 20}/{number}")
                store.put(f"b/{number}", b"")

    with ThreadPoolExecutor(1) as pool:
        churning = pool.submit(churn)
        try:
            for _ in range(20):
                keys = list(store.list("a/"))
                assert keys == sorted(keys)
        finally:
            ended.set()
        churning.result()


def test_swap_writes_only_over_what_was_expected(store: ObjectStore) -> None:
    store.put("a", b"1")
    assert not store.swap("a", b"0", b"2")
    assert store.get("a") == b"1"
    assert store.swap("a", b"1", b"2")
    assert store.get("a") == b"2"


def test_of_sixteen_threads_one_creates(store: ObjectStore) -> None:
    for attempt in range(20):
        barrier = threading.Barrier(16)

        def contend(number: int, key: str = f"claims/{attempt}", barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return store.create(key, str(number).encode())

        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(contend, range(16)))
        assert won.count(True) == 1
        assert store.get(f"claims/{attempt}") == str(won.index(True)).encode()


def test_no_count_is_lost_when_many_swap(store: ObjectStore) -> None:
    store.put("count", b"0")

    def add(_: int) -> None:
        while True:
            old = store.get("count")
            if store.swap("count", old, str(int(old) + 1).encode()):
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    assert store.get("count") == b"80"


def create_when_told(store: ObjectStore, number: int, start_at: float) -> bool:
    time.sleep(max(0.0, start_at - time.time()))
    return store.create("claims/one", str(number).encode() * 1000)


def test_of_many_processes_one_creates(store: ObjectStore) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.5] * 4))  # so that all four are up
        start_at = time.time() + 0.5
        won = list(pool.map(create_when_told, [store] * 16, range(16), [start_at] * 16))
    assert won.count(True) == 1
    assert store.get("claims/one") == str(won.index(True)).encode() * 1000


def test_a_reader_never_sees_half_an_object(store: ObjectStore) -> None:
    sizes = {size: bytes([size]) * (size * 100_000) for size in (1, 5, 9)}
    store.put("a", sizes[1])
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            for data in sizes.values():
                store.put("a", data)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            seen = {store.get("a") in sizes.values() for _ in range(100)}
        finally:
            ended.set()
        writing.result()
    assert seen == {True}


def test_probe_leaves_nothing(store: ObjectStore) -> None:
    store.probe()
    store.probe()
    assert list(store.list("")) == []


# What only a folder can do or suffer.


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
        "import sys; from pathlib import Path; from footage.storage import DirectoryStore\n"
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


def test_writes_and_removals_are_durable_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut would leave cannot be tried; that files and folders are synced, and in which order, can."""
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").replace(f"{tmp_path}", ""))
        fsync(descriptor)

    store = DirectoryStore(tmp_path)
    store.put("a/0", b"")
    monkeypatch.setattr(os, "fsync", noted)
    for use, folders in (
        (lambda: store.put("a/1", b"x"), ["/a"]),
        (lambda: store.create("b/c/2", b"x"), ["", "/b", "/b/c"]),
        (lambda: store.swap("a/1", b"x", b"y"), ["/a"]),
    ):
        synced.clear()
        use()
        assert "/.tmp/" in synced[0]
        assert synced[1:] == folders
    synced.clear()
    store.delete("a/1")
    assert synced == ["/a"]
