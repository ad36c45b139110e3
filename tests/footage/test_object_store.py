"""What every ObjectStore does. A new store joins `store` and has to pass all of it."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import httpx2
import pytest

from footage.directory_store import DirectoryStore
from footage.errors import ObjectMissing, StoreError
from footage.s3_store import S3Store
from footage.storage import ObjectStore, StoredObject

KINDS = ["directory", "moto", pytest.param("ceph", marks=pytest.mark.services)]
BESIDE = ["a store", "a store/1", "a store/of ours", "a store/of ours-not/x", "a store/of ours/.hidden/x", "z"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind; those in S3 have other objects around them, which they must not see."""
    if request.param == "directory":
        return DirectoryStore(tmp_path / "a store")
    server = request.getfixturevalue(f"{request.param}_s3")
    bucket = server.new_bucket()
    for key in BESIDE:
        server.client().put_object(Bucket=bucket, Key=key, Body=b"beside")
    return S3Store(bucket, "a store/of ours", server.settings)


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
        lambda: store.delete_all(["a", key]),
        lambda: store.read_range(key, 0, 1),
        lambda: store.upload(key, Path(__file__)),
        lambda: store.url(key),
    ):
        with pytest.raises(StoreError, match="is not a key"):
            use()


def test_names_that_are_hard(store: ObjectStore) -> None:
    keys = ["a b/ü.json", "a/日本語 🎬", "a/%2e%2e", "a/-rf", "a/x:y*?", "a/1+1&2=<3>#'4'", "a/tab\there", "a/e\u0301"]
    for key in keys:
        store.put(key, key.encode())
    assert [store.get(key).decode() for key in keys] == keys
    assert list(store.list("a")) == sorted(keys, key=str.encode)
    assert [entry.key for entry in store.entries("")] == sorted(keys, key=str.encode)
    assert list(store.folders("")) == ["a b", "a"]
    store.delete_all(keys)
    assert list(store.list("")) == []


def test_list_takes_any_prefix_in_the_order_of_whole_keys(store: ObjectStore) -> None:
    for key in ("b/1", "a/x/2", "a/x/1", "a/x.json", "a/y", "ab", "é/1", "z"):
        store.put(key, b"")
    assert list(store.list("")) == ["a/x.json", "a/x/1", "a/x/2", "a/y", "ab", "b/1", "z", "é/1"]
    assert list(store.list("a/x")) == ["a/x.json", "a/x/1", "a/x/2"]
    assert list(store.list("a/x/")) == ["a/x/1", "a/x/2"]
    assert list(store.list("nothing/")) == []
    assert list(store.list("a", after="a/x/1")) == ["a/x/2", "a/y", "ab"]
    assert list(store.list("a/", after="a/x0")) == ["a/y"]
    assert list(store.list("", after="b/")) == ["b/1", "z", "é/1"]
    assert list(store.list("b/", after="a")) == ["b/1"]
    assert list(store.list("a", after="é")) == []
    for prefix in ("../", "/", "a//"):
        for listing in (store.list, store.entries, store.folders):
            with pytest.raises(StoreError, match="is not a key"):
                list(listing(prefix))


def test_entries_have_sizes_and_times(store: ObjectStore) -> None:
    before = time.time()
    store.put("a/1", b"")
    store.put("a/b/2", b"12")
    after = time.time()
    entries = list(store.entries("a/"))
    assert [(entry.key, entry.size_bytes) for entry in entries] == [("a/1", 0), ("a/b/2", 2)]
    # S3 gives whole seconds
    assert all(before - 1 <= entry.modified_at <= after + 1 for entry in entries)
    assert all(isinstance(entry, StoredObject) for entry in entries)


def test_folders_are_the_next_parts_of_keys_in_their_order(store: ObjectStore) -> None:
    for key in ("b/1", "b/2", "b-c/1", "b/d/1", "b/d/e/1", "é/1", "file"):
        store.put(key, b"")
    assert list(store.folders("")) == ["b-c", "b", "é"]
    assert list(store.folders("b/")) == ["d"]
    assert list(store.folders("b/d/")) == ["e"]
    assert list(store.folders("b/d/e/")) == []
    assert list(store.folders("nothing/")) == []
    assert list(store.folders("", after="b-c")) == ["b", "é"]
    assert list(store.folders("", after="b")) == ["é"]
    assert list(store.folders("", after="c")) == ["é"]
    assert list(store.folders("b/", after="c")) == ["d"]
    assert list(store.folders("b/", after="d")) == []
    with pytest.raises(StoreError, match="is not a folder of keys"):
        list(store.folders("b"))


def test_more_than_a_page_of_keys(store: ObjectStore) -> None:
    """S3 gives a thousand keys, or folders, in one answer, and deletes as many."""
    keys = [f"{number % 1010:04}/{number}" for number in range(1030)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x"), keys))
    assert list(store.list("")) == sorted(keys)
    assert [entry.key for entry in store.entries("")] == sorted(keys)
    assert list(store.folders("")) == [f"{number:04}" for number in range(1010)]
    assert list(store.folders("", after="0003")) == [f"{number:04}" for number in range(4, 1010)]
    store.delete_all(key for key in [*keys, "not/there"] if key != "0500/500")
    assert list(store.list("")) == ["0500/500"]


def test_ranges(store: ObjectStore) -> None:
    store.put("a", b"0123456789")
    store.put("empty", b"")
    asked = [(0, 10), (0, 1), (3, 7), (9, 10), (8, 99), (10, 12), (99, 100), (4, 4), (5, 2)]
    given = [store.read_range("a", start, end) for start, end in asked]
    assert given == [b"0123456789", b"0", b"3456", b"9", b"89", b"", b"", b"", b""]
    assert store.read_range("empty", 0, 5) == b""
    for start, end in ((0, 1), (3, 3)):
        with pytest.raises(ObjectMissing, match="There is no object missing in "):
            store.read_range("missing", start, end)


@pytest.mark.parametrize("size_bytes", [0, 1000, 5 << 20, (12 << 20) + 1])
def test_uploads_of_any_size(store: ObjectStore, tmp_path: Path, size_bytes: int) -> None:
    """The stores of these tests write in parts of 5 MiB."""
    file = tmp_path / "film.mp4"
    file.write_bytes(os.urandom(size_bytes))
    store.put("a/film", b"older")
    store.upload("a/film", file)
    assert store.get("a/film") == file.read_bytes()
    assert [(entry.key, entry.size_bytes) for entry in store.entries("")] == [("a/film", size_bytes)]
    if size_bytes > 1000:
        middle = (size_bytes // 2, size_bytes // 2 + 100_000)
        assert store.read_range("a/film", *middle) == file.read_bytes()[slice(*middle)]


def test_an_upload_of_what_is_not_there_says_so(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=rf"Cannot read {tmp_path}/none, which is to be stored as a: No such file"):
        store.upload("a", tmp_path / "none")
    assert not store.exists("a")


def test_a_url_lets_anybody_read(store: ObjectStore) -> None:
    keys = ["a b/ü+1.jpg", "plain"]
    for key in keys:
        store.put(key, key.encode())
    urls = [store.url(key, lifetime_s=60) for key in keys]
    if isinstance(store, DirectoryStore):
        assert urls == [None, None]
    else:
        assert [httpx2.get(url).content.decode() for url in urls if url] == keys


def test_list_goes_on_while_objects_vanish(store: ObjectStore) -> None:
    for number in range(100):
        store.put(f"a/{number % 20}/{number}", b"")
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            for number in range(100):
                store.delete(f"a/{number % 20}/{number}")
                store.put(f"b/{number}", b"")

    with ThreadPoolExecutor(1) as pool:
        churning = pool.submit(churn)
        try:
            for _ in range(10):
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
    for attempt in range(10):
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
        list(pool.map(add, range(40)))
    assert store.get("count") == b"40"


def test_of_swappers_of_one_state_one_wins(store: ObjectStore) -> None:
    store.put("a", b"0")
    for turn in range(5):
        barrier = threading.Barrier(8)

        def contend(number: int, turn: int = turn, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return store.swap("a", str(turn).encode(), str(turn + 1).encode())

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(contend, range(8)))
        assert won.count(True) == 1
        assert store.get("a") == str(turn + 1).encode()


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
