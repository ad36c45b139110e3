"""A store in a folder, where others remove folders meanwhile and the power may go."""

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from footage.directory_store import DirectoryStore
from footage.durable_files import make_folder
from footage.index_binding import bind_folder
from footage.index_spec import write_spec
from tests.points import SPEC


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def folders_of(root: Path) -> list[str]:
    return sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir() and path.name != ".tmp"
    )


def test_folders_go_with_their_last_object(store: DirectoryStore, tmp_path: Path) -> None:
    for key in ("a/b/c/1", "a/b/c/2", "a/d/1", "e/1"):
        store.put(key, b"")
    store.delete("a/b/c/1")
    assert folders_of(tmp_path) == ["a", "a/b", "a/b/c", "a/d", "e"]
    store.delete("a/b/c/2")
    assert folders_of(tmp_path) == ["a", "a/d", "e"]
    store.delete_all(store.list(""))
    assert folders_of(tmp_path) == []
    store.delete_all(["a/d/1", "a"])
    assert tmp_path.is_dir()


def test_no_write_fails_or_is_lost_while_its_folder_is_removed(store: DirectoryStore) -> None:
    """Each writer's object is the only one in its folders now and then, so that they come and go all the time."""
    ended = threading.Event()

    def churn(number: int) -> None:
        while not ended.is_set():
            store.put(f"a/b/c/{number}", b"")
            store.delete(f"a/b/c/{number}")

    def write(number: int) -> None:
        for turn in range(80):
            key = f"a/b/c/kept-{number}-{turn}"
            assert store.create(key, b"1")
            assert store.swap(key, b"1", b"2")
            assert store.get(key) == b"2"
            store.delete(key)

    with ThreadPoolExecutor(5) as pool:
        churning = [pool.submit(churn, number) for number in range(3)]
        try:
            writing = [pool.submit(write, number) for number in range(2)]
            for written in writing:
                written.result()
        finally:
            ended.set()
        for churned in churning:
            churned.result()
    assert list(store.list("")) == []


def test_a_folder_that_is_removed_just_before_it_is_used_is_made_again(tmp_path: Path) -> None:
    class Raced(DirectoryStore):
        """A folder in which another process removes the last object in the worst moment, twice."""

        removals = 2

        def _link(self, part: Path, path: Path) -> None:
            if self.removals:
                self.removals -= 1
                path.parent.rmdir()
                path.parent.parent.rmdir()
            super()._link(part, path)

    store = Raced(tmp_path)
    assert store.create("a/b/c", b"1")
    assert store.get("a/b/c") == b"1"


@contextlib.contextmanager
def syncs_noted(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").replace(f"{root}", ""))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", noted)
        yield synced


def test_writes_are_durable_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut would leave cannot be tried; that files and folders are synced, and in which order, can."""
    file = tmp_path / "file.jpg"
    file.write_bytes(b"x")
    store = DirectoryStore(tmp_path)
    store.put("a/0", b"")
    for use, folders in (
        (lambda: store.put("a/1", b"x"), ["/a"]),
        (lambda: store.create("b/c/2", b"x"), ["", "/b", "/b/c"]),
        (lambda: store.swap("a/1", b"x", b"y"), ["/a"]),
        (lambda: store.upload("a/2", file), ["/a"]),
    ):
        with syncs_noted(tmp_path, monkeypatch) as synced:
            use()
        assert "/.tmp/" in synced[0]
        assert synced[1:] == folders


def test_what_says_what_an_index_holds_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is synced before it gets its name: after a power cut it would be there and empty."""
    path = tmp_path / "scenes"
    with syncs_noted(tmp_path, monkeypatch) as synced:
        write_spec(path, SPEC)
        bind_folder(path, "a-store", dry_run=False)
    assert synced == ["/.spec.json.new", "", "/.store-id.new", ""]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["spec.json", "store-id"]
    assert (tmp_path / "store-id").read_text() == "a-store\n"


def test_removals_are_durable_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is removed is not synced: its removal is, with the folder above it."""
    store = DirectoryStore(tmp_path)
    for key in ("a/1", "a/2", "a/3", "b/c/1", "d/1", "d/2"):
        store.put(key, b"")
    for keys, folders in (
        (["a/1"], ["/a"]),
        (["a/1", "x/y"], []),
        (["a/2", "a/3", "b/c/1", "d/1"], ["", "", "/d"]),
    ):
        with syncs_noted(tmp_path, monkeypatch) as synced:
            store.delete_all(keys)
        assert synced == folders


def test_a_file_in_place_of_a_folder_is_told_from_a_taken_name(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "a")
