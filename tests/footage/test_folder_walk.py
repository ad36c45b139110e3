"""Listings of a store in a folder; what every store lists is in test_object_store.py."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage.directory_store import DirectoryStore
from footage.storage import StoredObject


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def put_file(root: Path, key: str) -> None:
    (root / key).parent.mkdir(parents=True, exist_ok=True)
    (root / key).touch()


PARTS = st.text(st.sampled_from("a.-é0"), min_size=1, max_size=3).filter(lambda part: not part.startswith("."))
KEYS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@given(keys=st.sets(KEYS, max_size=12), prefix=KEYS, after=KEYS)
@settings(deadline=None)
def test_listings_are_those_of_the_sorted_keys(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], prefix: str, after: str
) -> None:
    keys = {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}
    root = tmp_path_factory.mktemp("store")
    for key in keys:
        put_file(root, key)
    store = DirectoryStore(root)
    in_order = sorted(keys, key=str.encode)

    assert list(store.list("")) == in_order
    assert [entry.key for entry in store.entries("")] == in_order
    for beginning in (prefix, f"{prefix}/", prefix[0]):
        found = [key for key in in_order if key.startswith(beginning)]
        assert list(store.list(beginning)) == found
        for last in (after, f"{after}/", *found[:2]):
            assert list(store.list(beginning, last)) == [key for key in found if key.encode() > last.encode()]
    for folder in ("", f"{prefix}/"):
        below = [key.removeprefix(folder) for key in in_order if key.startswith(folder)]
        parts = list(dict.fromkeys(key.partition("/")[0] for key in below if "/" in key))
        assert list(store.folders(folder)) == parts


def test_a_listing_reads_one_folder_at_a_time(store: DirectoryStore, tmp_path: Path) -> None:
    for key in ("a/1", "b/1", "c/1"):
        put_file(tmp_path, key)
    keys = store.list("")
    assert next(keys) == "a/1"
    put_file(tmp_path, "b/2")
    (tmp_path / "c" / "1").unlink()
    assert list(keys) == ["b/1", "b/2"]


def test_entries_have_sizes_and_times_and_pass_over_what_vanishes(store: DirectoryStore, tmp_path: Path) -> None:
    for key in ("a/1", "a/2", "b/1"):
        store.put(key, key.encode())
        os.utime(tmp_path / key, (0, 1_700_000_000.5))
    entries = store.entries("")
    assert next(entries) == StoredObject("a/1", 3, 1_700_000_000.5)
    store.delete_all(["a/2", "b/1"])
    assert list(entries) == []


def test_what_is_no_object_is_not_listed(store: DirectoryStore, tmp_path: Path) -> None:
    store.put("a/b", b"")
    put_file(tmp_path, ".hidden")
    put_file(tmp_path, "a/.hidden/b")
    put_file(tmp_path, "a/back\\slash")
    (tmp_path / "empty" / "too").mkdir(parents=True)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    assert list(store.list("")) == ["a/b"]
    assert list(store.folders("")) == ["a"]
    assert list(store.folders("a/")) == []


def test_names_that_are_not_utf8_are_listed(store: DirectoryStore, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff")).touch()
    (tmp_path / "é").touch()
    assert list(store.list("")) == ["é", "\udcff"]
    assert store.get("\udcff") == b""
