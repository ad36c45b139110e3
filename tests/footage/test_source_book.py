"""What is recorded of sources, and that listing the keys is enough to know it."""

from typing import Any

import pytest

from footage import identity
from footage.catalog_records import SourceRecord
from footage.source_book import EXPECTED, KnownSource, SourceBook
from tests.memory_store import MemoryStore
from tests.spans import FINGERPRINT, source_of
from tests.steps import Killed, SteppedStore, Steps

FILM, OTHER = "00000000-0000-5000-8000-000000000001", "00000000-0000-5000-8000-000000000002"


def record_of(name: str, etag: str = "e1", video_id: str = FILM, fingerprint: str = FINGERPRINT) -> SourceRecord:
    return SourceRecord(
        source=source_of(name, etag), video_id=video_id, pipeline_fingerprint=fingerprint, recorded_at="monday"
    )


def known(record: SourceRecord, state: str = "") -> KnownSource:
    source = record.source
    state = state or identity.source_state(source.etag, source.size_bytes, record.pipeline_fingerprint)
    return KnownSource(identity.uri_hash(source.uri), state, record.video_id)


class NoReading(MemoryStore):
    """A store of which only listings are to be asked."""

    def get(self, key: str) -> bytes:
        raise AssertionError(f"{key} was read")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def book(store: MemoryStore) -> SourceBook:
    return SourceBook(store, "studio")


def test_the_key_says_it_all(store: MemoryStore, book: SourceBook) -> None:
    record = record_of("a b")
    book.put(record)
    hashed = identity.uri_hash(record.source.uri)
    state = identity.source_state("e1", 1000, FINGERPRINT)
    assert list(store.list("")) == [f"sources/studio/{hashed[:3]}/{hashed}.{state}.{FILM}.json"]
    assert book.get(record.source.uri) == record
    assert SourceBook(store, "studio2").get(record.source.uri) is None


def test_what_is_known_costs_a_listing_and_no_reading() -> None:
    store = NoReading()
    book = SourceBook(store, "studio")
    records = [record_of(f"film{number}", video_id=f"{FILM[:-2]}{number:02}") for number in range(40)]
    for record in records:
        book.put(record)
    SourceBook(store, "studio2").put(record_of("elsewhere"))
    assert list(book.known()) == sorted(map(known, records))


def test_keys_of_earlier_versions_count_for_nothing(store: MemoryStore, book: SourceBook) -> None:
    record = record_of("film")
    for key in (identity.uri_hash(record.source.uri), "readme"):
        store.put(f"sources/studio/{key}.json", b"{}")
    book.put(record)
    assert list(book.known()) == [known(record)]


@pytest.mark.parametrize(
    "changes", [{"etag": "e2"}, {"fingerprint": "f" * 16}, {"video_id": OTHER}], ids=["state", "pipeline", "video"]
)
def test_a_record_takes_the_place_of_the_older_ones(book: SourceBook, changes: dict[str, Any]) -> None:
    book.put(record_of("film"))
    book.put(record_of("another"))
    book.put(record_of("film", **changes))
    assert book.get(source_of("film").uri) == record_of("film", **changes)
    assert set(book.known()) == {known(record_of("film", **changes)), known(record_of("another"))}


def test_an_expected_source_is_unknown_and_found(book: SourceBook) -> None:
    uri = source_of("film").uri
    book.expect(record_of("film"))
    assert book.get(uri) is None
    assert list(book.known()) == [known(record_of("film"), EXPECTED)]
    assert (book.of(uri), book.videos_of(uri)) == ([record_of("film")], {FILM})

    book.put(record_of("film"))
    book.expect(record_of("film", "e2", OTHER))
    assert (book.get(uri), book.videos_of(uri)) == (None, {FILM, OTHER})
    book.put(record_of("film", "e2", OTHER))
    assert list(book.known()) == [known(record_of("film", "e2", OTHER))]


def test_a_change_that_was_cut_off_forgets_nothing(store: MemoryStore, book: SourceBook) -> None:
    old, new = record_of("film"), record_of("film", "e2", OTHER)
    steps = Steps()
    SourceBook(SteppedStore(store, steps), "studio").put(old)
    SourceBook(SteppedStore(store, steps), "studio").put(new)
    for at in range(len(steps.done)):
        for video_id in (FILM, OTHER):
            book.forget(old.source.uri, video_id)
        try:
            stepped = SourceBook(SteppedStore(store, Steps(at)), "studio")
            stepped.put(old)
            stepped.put(new)
        except Killed:
            pass
        held = book.get(old.source.uri)
        assert held in (None, old, new)
        if at > 1:
            assert book.videos_of(old.source.uri) & {FILM, OTHER}
        book.put(new)
        assert list(book.known()) == [known(new)]


def test_a_source_is_forgotten_as_one_of_a_video(book: SourceBook) -> None:
    book.put(record_of("film"))
    book.expect(record_of("film"))
    book.expect(record_of("film", "e2", OTHER))
    book.put(record_of("another"))
    book.forget(source_of("film").uri, FILM)
    book.forget(source_of("never seen").uri, FILM)
    assert set(book.known()) == {known(record_of("film", "e2", OTHER), EXPECTED), known(record_of("another"))}


def test_states_differ_where_a_source_is_to_be_read_again() -> None:
    states = {
        identity.source_state(*given)
        for given in [("e1", 1, "f"), ("e2", 1, "f"), ("e1", 2, "f"), ("e1", 1, "g"), ("1/e1", 1, "f"), ("e1", 11, "f")]
    }
    assert len(states) == 6
    assert all(len(state) == 16 and state != EXPECTED for state in states)
    assert identity.source_state("\udcff", 1, "f")  # an etag may have come from a name that is not UTF-8
