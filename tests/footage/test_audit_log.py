from collections.abc import Iterator

import pytest

from footage.audit_log import COMMAND_LINE, Actor, AuditEntry, AuditLog, is_entry_id
from footage.errors import IndexUnavailable, SettingsError, StoreUnavailable
from footage.store_reads import StoreReads
from tests.memory_store import MeetingReads, MemoryStore

ANN = Actor("Ann", "00aa00aa00aa00aa")


class Old(MemoryStore):
    """A store in which entries of other days are found."""

    def days(self, log: AuditLog, *days: str) -> None:
        for day in days:
            entry = log.add(ANN, "gc", f"on {day}")
            moved = entry.model_copy(update={"entry_id": f"{day}{entry.entry_id[10:]}"})
            self.delete(f"audit/studio/{entry.entry_id.replace('T', '/')}.json")
            self.put(f"audit/studio/{moved.entry_id.replace('T', '/')}.json", moved.model_dump_json().encode())


@pytest.fixture
def store() -> Old:
    return Old()


@pytest.fixture
def log(store: Old) -> AuditLog:
    return AuditLog(store, "studio")


def subjects(entries: Iterator[AuditEntry] | list[AuditEntry]) -> list[str]:
    return [entry.subject for entry in entries]


def test_an_entry_says_who_did_what(log: AuditLog, store: Old) -> None:
    entry = log.add(ANN, "delete video", "v1", "kept", "Its source is there.")
    assert list(log.newest()) == [entry]
    assert entry == AuditEntry(
        entry_id=entry.entry_id,
        workspace="studio",
        at=entry.at,
        who="Ann",
        key_id="00aa00aa00aa00aa",
        action="delete video",
        subject="v1",
        outcome="kept",
        detail="Its source is there.",
    )
    assert list(store.list("")) == [f"audit/studio/{entry.entry_id.replace('T', '/')}.json"]
    assert log.add(Actor(COMMAND_LINE), "gc", "v1").key_id is None
    assert list(AuditLog(store, "annex").newest()) == []


def test_the_latest_comes_first_over_days_and_pages(log: AuditLog, store: Old) -> None:
    for number in range(3):
        log.add(ANN, "gc", str(number))
    store.days(log, "2025-12-31", "2026-01-02", "2026-01-01")
    reads = StoreReads(store)
    wanted = ["2", "1", "0", "on 2026-01-02", "on 2026-01-01", "on 2025-12-31"]
    assert subjects(log.newest()) == wanted
    for size in (1, 2, 3, 5, 6, 7):
        seen, position = [], None
        while True:
            page, position = log.page(reads, size, position)
            seen += subjects(page)
            if position is None:
                break
        assert seen == wanted


def test_entries_that_come_meanwhile_do_not_move_a_page(log: AuditLog) -> None:
    for number in range(4):
        log.add(ANN, "gc", str(number))
    reads = StoreReads(log.store)
    first, position = log.page(reads, 2)
    log.add(ANN, "gc", "late")
    assert subjects(first) + subjects(log.page(reads, 2, position)[0]) == ["3", "2", "1", "0"]


def test_the_entries_of_a_page_are_read_at_once_where_the_store_is_a_bucket() -> None:
    store = MeetingReads()
    log = AuditLog(store, "studio")
    for number in range(3):
        log.add(ANN, "gc", str(number))
    store.expect(3)
    with StoreReads(store, threads=3) as reads:
        assert subjects(log.page(reads, 2)[0]) == ["2", "1"]


def test_entries_that_are_gone_since_they_were_listed_leave_a_page_full() -> None:
    class Late(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.gone: list[str] = []

        def list(self, prefix: str, after: str = "") -> Iterator[str]:
            return iter(sorted([*super().list(prefix, after), *self.gone]))

    store = Late()
    log, reads = AuditLog(store, "studio"), StoreReads(store)
    for number in range(5):
        log.add(ANN, "gc", str(number))
    store.gone = list(store.list("audit/"))[-2:]
    store.delete_all(store.gone)
    page, position = log.page(reads, 2)
    assert (subjects(page), position) == (["2", "1"], page[1].entry_id)
    assert subjects(log.page(reads, 2, position)[0]) == ["0"]


@pytest.mark.parametrize("position", ["", "x", "../../keys", "2026-01-01T000000.000000-zzzzzzzz"])
def test_what_is_no_position_gives_nothing(log: AuditLog, position: str) -> None:
    log.add(ANN, "gc", "1")
    assert not is_entry_id(position)
    assert log.page(StoreReads(log.store), 10, position) == ([], None)


def test_a_failure_is_noted_without_its_sentence(log: AuditLog) -> None:
    def fail() -> None:
        with log.noting_failure(ANN, "delete video", "v1"):
            raise IndexUnavailable("http://qdrant.internal:6334 does not answer.")

    with pytest.raises(IndexUnavailable):
        fail()
    (entry,) = log.newest()
    assert (entry.outcome, entry.detail) == ("failed", "IndexUnavailable: it may be done in part.")


def test_a_store_that_fails_is_what_is_told(store: Old) -> None:
    class Away(MemoryStore):
        def create(self, key: str, data: bytes) -> bool:
            raise StoreUnavailable("away")

    def fail() -> None:
        with AuditLog(Away(), "studio").noting_failure(ANN, "delete video", "v1"):
            raise IndexUnavailable("first")

    with pytest.raises(IndexUnavailable, match="first"):
        fail()


def test_a_workspace_is_a_name(store: Old) -> None:
    with pytest.raises(SettingsError):
        AuditLog(store, "../studio").add(ANN, "gc", "1")
