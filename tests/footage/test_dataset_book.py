from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from footage.catalog_records import Reference
from footage.dataset_book import DatasetBook
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.store_reads import StoreReads

ONE, TWO, THREE = (f"00000000-0000-5000-8000-{number:012}" for number in (1, 2, 3))


@pytest.fixture
def book(tmp_path: Path) -> DatasetBook:
    return DatasetBook(DirectoryStore(tmp_path), "studio")


def test_a_reference_knows_how_it_came_to_be(book: DatasetBook) -> None:
    book.add("pilots", ONE, "file:///b.mp4")
    book.add("pilots", ONE, "file:///a.mp4")
    book.add("pilots", TWO, None)
    book.add("drafts", ONE, None)
    assert list(book.names()) == ["drafts", "pilots"]
    assert (list(book.videos("pilots")), list(book.videos("none"))) == ([ONE, TWO], [])
    assert book.get("pilots", ONE) == Reference(uris=["file:///a.mp4", "file:///b.mp4"])
    assert book.get("pilots", TWO) == Reference(by_name=True)
    assert book.get("drafts", TWO) is None
    assert (book.of_video(ONE), book.of_video(TWO)) == (["drafts", "pilots"], ["pilots"])


def test_of_named_videos_only_these_are_looked_at(tmp_path: Path) -> None:
    class Unlisted(DirectoryStore):
        def list(self, prefix: str, after: str = "") -> Iterator[str]:
            raise AssertionError("a dataset may have many videos")

    store = Unlisted(tmp_path)
    book = DatasetBook(store, "studio")
    for dataset, video_id in (("pilots", ONE), ("pilots", THREE), ("drafts", TWO)):
        book.add(dataset, video_id, None)
    reads = StoreReads(store)
    assert book.members("pilots", [THREE, TWO, ONE, THREE], reads) == [THREE, ONE]
    assert book.members("pilots", [TWO, "", "../drafts/" + TWO, "no id"], reads) == []
    assert book.members("pilots", [], reads) == []
    with pytest.raises(SettingsError):
        book.members("../drafts", [TWO], reads)


def test_adding_again_changes_nothing_and_adding_otherwise_adds(book: DatasetBook) -> None:
    for _ in range(2):
        book.add("pilots", ONE, "file:///a.mp4")
    book.add("pilots", ONE, None)
    assert book.get("pilots", ONE) == Reference(uris=["file:///a.mp4"], by_name=True)


def test_a_reference_ends_with_its_last_source_unless_it_has_a_name_too(book: DatasetBook) -> None:
    for uri in ("file:///a.mp4", "file:///b.mp4"):
        book.add("pilots", ONE, uri)
    book.add("named", ONE, "file:///a.mp4")
    book.add("named", ONE, None)
    assert not book.remove_source("pilots", ONE, "file:///c.mp4")
    assert not book.remove_source("pilots", ONE, "file:///a.mp4")
    assert book.remove_source("pilots", ONE, "file:///b.mp4")
    assert not book.remove_source("pilots", ONE, "file:///b.mp4")
    assert not book.remove_source("named", ONE, "file:///a.mp4")
    assert (book.get("pilots", ONE), book.get("named", ONE)) == (None, Reference(by_name=True))


def test_a_dataset_goes_with_its_last_video_and_no_other_with_it(book: DatasetBook) -> None:
    for dataset in ("pilots", "pilots2"):
        book.add(dataset, ONE, None)
    book.add("pilots", TWO, None)
    book.remove("pilots", ONE)
    assert (list(book.names()), book.of_video(ONE)) == (["pilots", "pilots2"], ["pilots2"])
    book.remove("pilots", TWO)
    assert (list(book.names()), book.of_video(ONE)) == (["pilots2"], ["pilots2"])
    book.remove("pilots2", ONE)
    book.remove("pilots2", ONE)
    assert list(book.names()) == []


def test_the_empty_references_of_earlier_versions_are_read(book: DatasetBook, tmp_path: Path) -> None:
    DirectoryStore(tmp_path).put(f"datasets/studio/pilots/{ONE}", b"")
    assert book.get("pilots", ONE) == Reference()
    book.add("pilots", ONE, "file:///a.mp4")
    assert book.get("pilots", ONE) == Reference(uris=["file:///a.mp4"])


def test_of_many_writers_at_once_none_is_lost(book: DatasetBook) -> None:
    uris = [f"file:///{number:02}.mp4" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda uri: book.add("pilots", ONE, uri), uris))
    assert book.get("pilots", ONE) == Reference(uris=uris)


def test_a_name_that_would_lead_elsewhere_is_refused(book: DatasetBook) -> None:
    with pytest.raises(SettingsError, match=r"The dataset '\.\.' cannot be used"):
        book.add("..", ONE, None)
