"""An index belongs to one store; see VectorIndex.bind. Every engine keeps to it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexMismatch, StoreError
from footage.index import VectorIndex
from footage.index_address import IndexAddress
from footage.index_copy import copy_index
from footage.reindexing import reindex
from footage.server_binding import held_store
from footage.server_collections import CollectionNames
from footage.server_index import ServerIndex
from footage.store_identity import STORE_ID, known_store_id, store_id
from tests.memory_store import MemoryStore
from tests.points import LIVE, SPEC, Open, drop, ids, names, scene, server_settings, write
from tests.qdrant_server.server import QdrantServer

OURS = "6e4cb1ce-5a0c-4f7e-9d8c-0b6a4c8c1c11"
THEIRS = "0d9f6a1e-6c1f-4c55-8a76-2f1c8d0f8a22"


def refused(index: VectorIndex, asked: str, dry_run: bool = False) -> str:
    with pytest.raises(IndexMismatch) as error:
        index.bind(asked, dry_run)
    return str(error.value)


def test_an_index_belongs_to_the_first_store_that_uses_it(opened: Open) -> None:
    index = opened()
    write(index, scene("v1/0"))
    for asked in (THEIRS, ""):
        index.bind(asked, dry_run=True)  # it belongs to none, and that stays so
    for _ in range(2):
        index.bind(OURS)
        index.bind(OURS, dry_run=True)
        index = opened()
    message = refused(index, THEIRS)
    server = isinstance(index, ServerIndex)
    assert message.startswith("The index ")
    assert message.endswith(
        f" holds the scenes of another store (its store-id is {OURS}; that of this store is {THEIRS}). Each store needs"
        " an index of its own: "
        + (
            "set FOOTAGE_QDRANT__COLLECTION (qdrant.collection) to another name"
            if server
            else "name another folder with --index"
        )
        + ". If the other store is gone for good, the index can be removed instead."
    )
    assert refused(index, THEIRS, dry_run=True) == message
    assert "that of this store is not made yet" in refused(index, "", dry_run=True)
    index.bind(OURS)
    assert names(index, LIVE) == ids(scene("v1/0"))


def test_a_copy_belongs_to_nobody_unless_it_did_already(opened: Open, tmp_path: Path) -> None:
    origin = opened()
    write(origin, scene("v1/0"))
    origin.bind(OURS)
    for place, owner in (("unbound", None), ("bound", THEIRS)):
        with EmbeddedIndex(tmp_path / place / "scenes", SPEC, owner="a test") as target:
            if owner is not None:
                target.bind(owner)
            copy_index(origin, target, lambda points: None)
            target.bind(THEIRS)
            refused(target, OURS)


def test_a_rebuilt_folder_belongs_to_its_store(tmp_path: Path) -> None:
    path = tmp_path / "index" / "scenes"
    address, settings = IndexAddress(path, ""), server_settings(tmp_path)
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        write(index, scene("v1/0"))
    for owner in (OURS, None):
        reindex(address, SPEC, settings, print, owner)
        with EmbeddedIndex(path, SPEC, owner="a test") as index:
            refused(index, THEIRS)
            index.bind(OURS)
    assert path.with_name("store-id").read_text() == f"{OURS}\n"
    with pytest.raises(IndexMismatch):
        reindex(address, SPEC, settings, print, THEIRS)


def test_rebuilt_collections_belong_to_their_store(qdrant: QdrantServer, tmp_path: Path) -> None:
    address, settings = IndexAddress(None, qdrant.url), server_settings(tmp_path)
    index = ServerIndex(qdrant.url, SPEC, settings)
    write(index, scene("v1/0"))
    seen: list[CollectionNames] = [index.collections()]
    for owner in (None, OURS, None):
        reindex(address, SPEC, settings, print, owner)
        seen.append(index.collections())
        assert held_store(index.connection, index.collections().scenes) == (OURS if len(seen) > 2 else "")
    with pytest.raises(IndexMismatch):
        reindex(address, SPEC, settings, print, THEIRS)
    assert index.collections() == seen[-1]
    assert len(set(seen)) == 4
    drop(index)


def test_of_two_stores_that_bind_at_once_one_is_refused(qdrant: QdrantServer, tmp_path: Path) -> None:
    settings = server_settings(tmp_path)
    indexes = {owner: ServerIndex(qdrant.url, SPEC, settings) for owner in (OURS, THEIRS)}
    both = threading.Barrier(2)

    def bound(owner: str) -> bool:
        both.wait()
        try:
            indexes[owner].bind(owner)
        except IndexMismatch:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(indexes, pool.map(bound, indexes), strict=True))
    winner = held_store(indexes[OURS].connection, indexes[OURS].collections().scenes)
    assert outcomes == {OURS: winner == OURS, THEIRS: winner == THEIRS}
    indexes[OURS].close()
    drop(indexes[THEIRS])


def test_a_folder_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "index" / "scenes"
    with EmbeddedIndex(path, SPEC, owner="a test") as index:
        path.with_name("store-id").mkdir()
        with pytest.raises(StoreError, match="store-id, which says whose index it is, cannot be used: Is a directory"):
            index.bind(OURS)


def test_a_store_has_one_id_for_good(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    assert known_store_id(store) == ""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: store_id(DirectoryStore(tmp_path)), range(16)))
    assert found == {store_id(store)} == {known_store_id(store)} == {store.get(STORE_ID).decode().strip()}
    assert store_id(MemoryStore()) != store_id(store)


@pytest.mark.parametrize("text", ["", "none", "\u00e9"])
def test_a_damaged_id_is_not_replaced(text: str) -> None:
    store = MemoryStore()
    store.put(STORE_ID, text.encode())
    with pytest.raises(StoreError, match=r"The object store-id of the store .* is damaged: put the id back that"):
        store_id(store)
    assert store.get(STORE_ID) == text.encode()
