"""The runs of a store: reports, live leases, and runs that were killed."""

from datetime import UTC, datetime
from typing import Any

from footage.catalog import Catalog
from footage.catalog_records import RunCounts
from footage.leases import RunLease, new_job_id, new_run_id
from footage.run_history import RunSummary, run_of_store, runs_of_job, runs_of_store
from footage.run_records import RunReport
from footage.timestamps import stamp
from tests.footage.test_catalog import report_of
from tests.memory_store import MemoryStore
from tests.spans import WORKSPACE

JOB = "job-20260102T000000-aaaaaa"
COUNTS = RunCounts(
    videos_found=10,
    videos_done=4,
    videos_skipped=3,
    videos_quarantined=1,
    scenes=40,
    media_s=500,
    bytes_done=250,
    bytes_total=1000,
    doing="Transcriber",
)


def put(store: MemoryStore, run_id: str, **changes: Any) -> RunReport:
    changes = {"started_at": stamp(datetime.now(UTC)), **changes}
    report = report_of(run_id).model_copy(update=changes)
    Catalog(store, WORKSPACE).put_report(report)
    return report


def lease_of(store: MemoryStore, run_id: str, lease_s: float, counts: RunCounts | None) -> RunLease:
    lease = RunLease(Catalog(store, WORKSPACE), run_id, "footage index /films", "/films", lease_s)
    lease.take(datetime.now(UTC))
    lease.renew(datetime.now(UTC), counts)
    return lease


def found(store: MemoryStore, run_id: str) -> RunSummary:
    run = run_of_store(store, run_id)
    assert run is not None
    return run


def test_a_run_that_lives_tells_how_far_it_is() -> None:
    store = MemoryStore()
    put(store, "run-1", state="running", job=JOB)
    lease_of(store, "run-1", 60, COUNTS)

    run = found(store, "run-1")

    assert (run.state, run.job, run.doing, run.scenes) == ("running", JOB, "Transcriber", 40)
    assert (run.videos_to_do, run.videos_done, run.videos_skipped, run.videos_quarantined) == (10, 4, 3, 1)
    assert run.videos_remaining == 5
    assert run.left_s is not None
    assert abs(run.left_s - 3 * run.wall_s) <= 0.1  # a quarter of the bytes is done


def test_a_run_that_lists_its_sources_says_so() -> None:
    store = MemoryStore()
    put(store, "run-1", state="running")
    lease_of(store, "run-1", 60, None)

    assert (found(store, "run-1").doing, found(store, "run-1").videos_to_do) == ("listing sources", None)


def test_a_run_without_signs_of_life_is_lost_with_what_it_told_last() -> None:
    store = MemoryStore()
    put(store, "run-1", state="running")
    assert (found(store, "run-1").state, found(store, "run-1").videos_to_do) == ("lost", None)
    lease_of(store, "run-1", 0, COUNTS)
    lost = found(store, "run-1")
    assert (lost.state, lost.videos_done, lost.doing, lost.left_s) == ("lost", 4, "", None)


class EndsMeanwhile(MemoryStore):
    """The run writes its last report, and then gives its lease back, while somebody looks."""

    def get(self, key: str) -> bytes:
        data = super().get(key)
        if key.startswith("runs/") and self.exists(f"leases/{WORKSPACE}/run-1.json"):
            put(self, "run-1", state="finished", videos_done=10)
            Catalog(self, WORKSPACE).leases.delete("run-1")
        return data


def test_a_run_that_ends_while_it_is_looked_at_is_not_lost() -> None:
    store = EndsMeanwhile()
    put(store, "run-1", state="running")
    lease_of(store, "run-1", 60, COUNTS)

    assert (found(store, "run-1").state, found(store, "run-1").videos_done) == ("finished", 10)


def test_a_report_counts_copies_and_what_others_did_as_done() -> None:
    store = MemoryStore()
    put(store, "run-1", videos_done=3, videos_duplicate=2, videos_elsewhere=1, videos_quarantined=1, videos_remaining=4)

    run = found(store, "run-1")

    assert (run.videos_to_do, run.videos_done, run.videos_remaining) == (11, 6, 4)
    assert run_of_store(store, "run-2") is None


class Counted(MemoryStore):
    reads = 0

    def get(self, key: str) -> bytes:
        self.reads += 1
        return super().get(key)


def test_runs_of_a_job_are_found_without_reading_those_before_it() -> None:
    store = Counted()
    for day in range(1, 10):
        put(store, f"2025010{day}T000000-aaaaaa")
    put(store, "20260101T230000-aaaaaa", job="job-20251231T000000-bbbbbb")
    for hour in (1, 2):
        put(store, f"20260102T0{hour}0000-aaaaaa", job=JOB)
    store.put("runs/20260102T010000-aaaaaa.log", b"")

    assert [run.run_id for run in runs_of_job(store, JOB)] == ["20260102T020000-aaaaaa", "20260102T010000-aaaaaa"]
    assert store.reads == 3
    assert next(runs_of_store(store)).run_id == "20260102T020000-aaaaaa"
    assert len(list(runs_of_store(store))) == 12


def test_names_of_jobs_and_runs_are_in_the_order_of_time() -> None:
    now = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
    assert new_job_id(now).startswith("job-20261122T193000-")
    assert new_run_id(now).startswith("20261122T193000-")
