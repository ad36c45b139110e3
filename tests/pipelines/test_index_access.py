"""What a run checks of its index before anything starts; no Ray is needed for that."""

from pathlib import Path

import pytest

from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import IndexMismatch, StoreError
from footage.index_address import index_address
from footage.local_sources import file_uri
from footage.storage_settings import QdrantSettings
from pipelines.index_access import check_index
from tests.archive import Archive
from tests.spans import SPEC, WORKSPACE


def check(store: Path, index: Path) -> None:
    address = index_address(str(store), str(index))
    check_index(address, SPEC, QdrantSettings(), "footage index", Catalog(DirectoryStore(store), WORKSPACE))


def add_film(store: Path) -> None:
    archive = Archive(store, file_uri(store))
    archive.add("film")
    archive.close()


def test_an_index_belongs_to_the_first_store_that_indexes_into_it(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    add_film(one)
    for _ in range(2):
        check(one, one / "index")
    with pytest.raises(IndexMismatch, match="holds the scenes of another store"):
        check(other, one / "index")
    check(other, tmp_path / "index")


def test_an_index_that_is_refused_as_a_wrong_one_is_not_taken(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    add_film(one)
    with pytest.raises(StoreError, match=r"is another one\. Bring it back, or name it with --index"):
        check(one, tmp_path / "index")
    check(other, tmp_path / "index")
    with pytest.raises(IndexMismatch, match="holds the scenes of another store"):
        check(one, tmp_path / "index")
