"""Signs of life, with a clock that tests set."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from footage.catalog import Catalog
from footage.catalog_records import Lease, RunCounts
from footage.dead_runs import this_machine
from footage.errors import LeaseLost, StoreUnavailable
from footage.leases import RunLease, break_lease, is_alive, live_runs
from footage.timestamps import has_passed, stamp
from tests.memory_store import MemoryStore
from tests.spans import WORKSPACE, claim_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE_S = 60.0
COUNTS = RunCounts(videos_found=8, videos_done=3, videos_quarantined=1, media_s=61.5, bytes_done=3000, bytes_total=9000)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Flaky(MemoryStore):
    """It writes or not, and then says that it cannot be reached, while it is `away`."""

    away = False
    writes_all_the_same = False

    def swap(self, key: str, expected: bytes, data: bytes) -> bool:
        if not self.away:
            return super().swap(key, expected, data)
        if self.writes_all_the_same:
            super().swap(key, expected, data)
        raise StoreUnavailable("away")


@pytest.fixture
def store() -> Flaky:
    return Flaky()


@pytest.fixture
def catalog(store: Flaky) -> Catalog:
    return Catalog(store, WORKSPACE)


@pytest.fixture
def lease(catalog: Catalog) -> RunLease:
    taken = RunLease(catalog, "run-1", "footage index /films", "/films", LEASE_S)
    taken.take(NOON)
    return taken


def test_what_others_see_of_a_run(catalog: Catalog, lease: RunLease) -> None:
    (held,) = live_runs(catalog, at(1))
    assert held.model_dump(exclude={"nonce"}) == {
        "schema_version": 1,
        "run_id": "run-1",
        "workspace": WORKSPACE,
        "job": "",
        "dashboard_url": "",
        "what": "footage index /films",
        "source": "/films",
        "host": socket.gethostname(),
        "machine": this_machine(),
        "pid": os.getpid(),
        "started_at": "2026-01-01T12:00:00.000+00:00",
        "expires_at": "2026-01-01T12:01:00.000+00:00",
        "counts": None,
    }
    lease.renew(at(20))
    (later,) = live_runs(catalog, at(70))
    assert (later.started_at, later.expires_at) == (held.started_at, "2026-01-01T12:01:20.000+00:00")
    assert later.nonce not in ("", held.nonce)
    assert live_runs(catalog, at(80)) == []
    assert [held.run_id for held in catalog.leases.all()] == ["run-1"]
    lease.release()
    lease.release()
    assert list(catalog.leases.all()) == []


def test_where_the_dashboard_shows_a_run_is_said_with_the_next_sign_of_life(catalog: Catalog, lease: RunLease) -> None:
    lease.dashboard_url = "http://head:8265/#/jobs/job-1"
    lease.renew(at(20))
    lease.renew(at(40))
    assert [held.dashboard_url for held in live_runs(catalog, at(41))] == ["http://head:8265/#/jobs/job-1"]


def test_how_far_a_run_has_come_is_said_with_each_sign_of_life(catalog: Catalog, lease: RunLease) -> None:
    lease.renew(at(20), COUNTS)
    assert [held.counts for held in live_runs(catalog, at(21))] == [COUNTS]
    lease.renew(at(40))
    assert [held.counts for held in live_runs(catalog, at(41))] == [COUNTS]
    later = COUNTS.model_copy(update={"videos_done": 4})
    lease.renew(at(60), later)
    assert [held.counts for held in live_runs(catalog, at(61))] == [later]
    assert break_lease(catalog, "run-1", at(120))  # a lease with counts is broken like any other
    with pytest.raises(LeaseLost):
        lease.renew(at(121), later)


def test_a_lease_of_an_earlier_version_is_read_renewed_and_broken(
    catalog: Catalog, lease: RunLease, store: Flaky
) -> None:
    key = f"leases/{WORKSPACE}/run-1.json"
    older = json.loads(store.get(key))
    del older["counts"]
    store.put(key, json.dumps(older).encode())
    assert [held.counts for held in live_runs(catalog, at(1))] == [None]
    lease.renew(at(20), COUNTS)
    assert [held.counts for held in live_runs(catalog, at(21))] == [COUNTS]
    store.put(key, json.dumps(older).encode())
    assert not break_lease(catalog, "run-1", at(59))
    assert break_lease(catalog, "run-1", at(61))
    assert catalog.leases.get("run-1") is None


def test_a_run_id_is_taken_once(catalog: Catalog, lease: RunLease) -> None:
    with pytest.raises(LeaseLost, match="There is a run run-1 already"):
        RunLease(catalog, "run-1", "footage index /other", "/other", LEASE_S).take(NOON)


def test_a_run_that_slept_and_was_not_missed_goes_on(catalog: Catalog, lease: RunLease) -> None:
    lease.renew(at(10_000))
    assert len(live_runs(catalog, at(10_001))) == 1


def test_a_run_whose_lease_was_broken_cannot_renew_it(catalog: Catalog, lease: RunLease) -> None:
    assert not break_lease(catalog, "run-1", at(59))
    lease.renew(at(59))
    assert not break_lease(catalog, "run-1", at(118))
    assert break_lease(catalog, "run-1", at(119))
    assert break_lease(catalog, "run-1", at(119))  # there is none any more
    with pytest.raises(LeaseLost, match="Run run-1 gave no sign of life for more than 60 s, and another run took over"):
        lease.renew(at(120))


def test_breaking_that_was_cut_off_is_ended_by_the_next(catalog: Catalog, lease: RunLease) -> None:
    held = catalog.leases.get("run-1")
    assert held is not None
    assert catalog.leases.swap(held, held.model_copy(update={"nonce": "x", "expires_at": ""}))
    with pytest.raises(LeaseLost):
        lease.renew(at(1))
    assert live_runs(catalog, NOON) == []
    assert break_lease(catalog, "run-1", at(1))
    assert catalog.leases.get("run-1") is None


def test_a_lease_that_its_owner_renews_first_is_not_broken(catalog: Catalog, lease: RunLease, store: Flaky) -> None:
    class Racing(Flaky):
        def get(self, key: str) -> bytes:
            data = store.get(key)
            if self.away:
                self.away = False
                lease.renew(at(61))
            return data

        def swap(self, key: str, expected: bytes, data: bytes) -> bool:
            return store.swap(key, expected, data)

    racing = Racing()
    racing.away = True
    assert not break_lease(Catalog(racing, WORKSPACE), "run-1", at(61))
    lease.renew(at(62))


@pytest.mark.parametrize("written", [True, False])
def test_a_renewal_during_an_outage_is_made_up_for(
    catalog: Catalog, lease: RunLease, store: Flaky, written: bool
) -> None:
    store.away, store.writes_all_the_same = True, written
    for seconds in (20, 30):
        with pytest.raises(StoreUnavailable):
            lease.renew(at(seconds), COUNTS)
    store.away = False
    lease.renew(at(40), COUNTS)
    (held,) = live_runs(catalog, at(99))
    assert (held.expires_at, held.counts) == (stamp(at(100)), COUNTS)


def test_a_claim_lives_by_its_own_time_or_by_its_run(catalog: Catalog, lease: RunLease) -> None:
    claim = claim_of("film", 1)
    until = claim.model_copy(update={"run_id": "run-9", "expires_at": stamp(NOON, 10)})
    assert [is_alive(catalog, claim, at(seconds)) for seconds in (0, 59, 60)] == [True, True, False]
    assert [is_alive(catalog, until, at(seconds)) for seconds in (0, 9, 10)] == [True, True, False]
    assert not is_alive(catalog, claim.model_copy(update={"run_id": ""}), NOON)
    lease.release()
    assert not is_alive(catalog, claim, NOON)


def test_times() -> None:
    assert stamp(NOON, 0.25) == "2026-01-01T12:00:00.250+00:00"
    assert has_passed("", NOON)
    assert has_passed("2026-01-01T13:00:00.000+01:00", NOON)
    assert not has_passed("2026-01-01T12:00:00.001+00:00", NOON)


def test_leases_of_another_workspace_are_not_ours(store: Flaky, lease: RunLease) -> None:
    assert live_runs(Catalog(store, "studio2"), NOON) == []
    assert Lease.model_validate_json(store.get(f"leases/{WORKSPACE}/run-1.json")).run_id == "run-1"
