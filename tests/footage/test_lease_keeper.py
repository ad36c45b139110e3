"""The thread that gives signs of life."""

import threading
from datetime import UTC, datetime

import pytest

from footage.catalog import Catalog
from footage.catalog_records import RunCounts
from footage.errors import LeaseLost
from footage.lease_keeper import LeaseKeeper
from footage.leases import break_lease, live_runs
from tests.memory_store import MemoryStore
from tests.spans import WORKSPACE

HOURS_S = 1e4  # a lease that is not renewed by itself while a test runs
WAIT_S = 10.0


class Told(MemoryStore):
    """Says when a lease was renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.renewed = threading.Event()

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        done = super().swap(key, expected, data)
        if done:
            self.renewed.set()
        return done


def counts(done: int) -> RunCounts:
    return RunCounts(
        videos_found=8, videos_done=done, videos_quarantined=0, media_s=1.0, bytes_done=done, bytes_total=8
    )


def test_what_a_run_tells_can_be_read_at_once_and_goes_on() -> None:
    store, asked = Told(), iter(map(counts, range(9)))
    catalog = Catalog(store, WORKSPACE)
    with LeaseKeeper(catalog, "run-1", "footage index /films", "/films", lease_s=0.03) as lease:
        lease.tell(lambda: next(asked, counts(8)))
        seen = set()
        while counts(8) not in seen:
            assert store.renewed.wait(WAIT_S)
            store.renewed.clear()
            seen |= {held.counts for held in catalog.leases.all()}
    assert list(catalog.leases.all()) == []


def test_the_first_sign_with_counts_is_not_waited_for() -> None:
    store = Told()
    catalog = Catalog(store, WORKSPACE)
    with LeaseKeeper(catalog, "run-1", "footage index /films", "/films", HOURS_S, tell_every_s=HOURS_S) as lease:
        lease.tell(lambda: counts(2))
        assert store.renewed.wait(WAIT_S)
        assert [held.counts for held in live_runs(catalog, datetime.now(UTC))] == [counts(2)]


def test_what_has_changed_is_told_before_the_next_sign_is_due() -> None:
    store, said = Told(), [counts(0)]
    catalog = Catalog(store, WORKSPACE)
    asked = threading.Semaphore(0)

    def tell() -> RunCounts:
        asked.release()
        return said[0]

    with LeaseKeeper(catalog, "run-1", "footage index /films", "/films", HOURS_S, tell_every_s=0.01) as lease:
        lease.tell(tell)
        for done in (0, 5):
            said[0] = counts(done)
            assert store.renewed.wait(WAIT_S)
            assert [held.counts for held in catalog.leases.all()] == [counts(done)]
            store.renewed.clear()
        for _ in range(3):  # the same again is not worth a write
            assert asked.acquire(timeout=WAIT_S)
        assert not store.renewed.is_set()


def test_what_cannot_be_told_does_not_cost_the_lease(caplog: pytest.LogCaptureFixture) -> None:
    store, failures = Told(), [RuntimeError("dictionary changed size during iteration")]
    catalog = Catalog(store, WORKSPACE)

    def tell() -> RunCounts:
        if failures:
            raise failures.pop()
        return counts(3)

    with LeaseKeeper(catalog, "run-1", "footage index /films", "/films", HOURS_S, tell_every_s=0.01) as lease:
        lease.tell(tell)
        assert store.renewed.wait(WAIT_S)
        assert [held.counts for held in catalog.leases.all()] == [counts(3)]
    assert [record.exc_text is not None for record in caplog.records] == [True]


def test_a_run_that_tells_nothing_has_no_counts_and_may_end_at_once() -> None:
    catalog = Catalog(MemoryStore(), WORKSPACE)
    with LeaseKeeper(catalog, "run-1", "footage gc", "", HOURS_S):
        assert [held.counts for held in live_runs(catalog)] == [None]
    assert live_runs(catalog) == []


def test_a_lease_that_was_broken_ends_the_block() -> None:
    catalog = Catalog(MemoryStore(), WORKSPACE)
    lease = LeaseKeeper(catalog, "run-1", "footage index /films", "/films", HOURS_S)

    def work() -> None:
        with lease:
            assert break_lease(catalog, "run-1", datetime.max.replace(tzinfo=UTC))
            lease.tell(lambda: counts(1))
            for thread in threading.enumerate():
                if thread.name == "lease-keeper":
                    thread.join(WAIT_S)

    with pytest.raises(LeaseLost, match="another run took over"):
        work()
    assert lease.lost is not None
