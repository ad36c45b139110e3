"""The runs of a store, with or without a cluster: what each did, what it is doing, and which were killed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

from footage.catalog import Catalog
from footage.catalog_records import Lease
from footage.record_store import get_record
from footage.run_records import RunReport
from footage.storage import ObjectStore
from footage.time_left import time_left_s
from footage.timestamps import has_passed

RunState = Literal["running", "finished", "interrupted", "failed", "lost"]

_FOLDER = "runs/"
_CLOCKS = timedelta(days=1)  # that the clock of a run's machine may be behind that of who submitted its job


class RunSummary(BaseModel):
    """How far a run came, or has come by now."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    job: str  # that it belongs to; empty if it was run by hand
    workspace: str
    dataset: str | None
    source: str
    profile: str
    state: RunState  # lost: its process was killed
    started_at: str  # UTC, ISO 8601
    wall_s: float
    doing: str = ""  # of one that is running: what goes on now
    videos_to_do: int | None  # None: its sources are not listed yet, or nobody knows any more
    videos_done: int = 0  # searchable by now: by this run, by another meanwhile, or as a copy of one that is
    videos_skipped: int = 0  # indexed before
    videos_quarantined: int = 0
    scenes: int = 0
    media_s: float = 0  # of video indexed
    left_s: float | None = None  # that it will take by its rate so far, where that can be told
    error: str = ""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorators of properties
    @property
    def videos_remaining(self) -> int:
        """Without an outcome."""
        return max(0, (self.videos_to_do or 0) - self.videos_done - self.videos_quarantined)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def media_hours_per_hour(self) -> float:
        """Hours of video that it indexed in an hour, from its start on."""
        return round(self.media_s / self.wall_s, 3) if self.wall_s else 0.0


def runs_of_store(store: ObjectStore) -> Iterator[RunSummary]:
    """All runs, the newest first; each is read when it is asked for."""
    for run_id in _run_ids(store):
        run = run_of_store(store, run_id)
        if run is not None:
            yield run


def runs_of_job(store: ObjectStore, job: str) -> list[RunSummary]:
    """The runs of a job, the newest first; runs that are older than the job are not read."""
    found = []
    oldest = _submitted_at(job)
    for run_id in _run_ids(store):
        if oldest is not None and run_id < f"{oldest - _CLOCKS:%Y%m%dT%H%M%S}":
            break
        run = run_of_store(store, run_id)
        if run is not None and run.job == job:
            found.append(run)
    return found


def run_of_store(store: ObjectStore, run_id: str) -> RunSummary | None:
    """A run by its id; None if there is none."""
    report = _report(store, run_id)
    if report is None or report.state != "running":
        return None if report is None else _ended(report)
    now = datetime.now(UTC)
    lease = Catalog(store, report.workspace).leases.get(run_id)
    if lease is not None and not has_passed(lease.expires_at, now):
        return _told(report, lease, now, "running")
    report = _report(store, run_id) or report  # a run writes it before it gives its lease back
    return _told(report, lease, now, "lost") if report.state == "running" else _ended(report)


def _run_ids(store: ObjectStore) -> list[str]:
    keys = [key for key in store.list(_FOLDER) if key.endswith(".json")]
    return [key.removeprefix(_FOLDER).removesuffix(".json") for key in reversed(keys)]


def _report(store: ObjectStore, run_id: str) -> RunReport | None:
    return get_record(store, f"{_FOLDER}{run_id}.json", RunReport)


def _submitted_at(job: str) -> datetime | None:
    """When a job was submitted, which its name tells; None where it has another kind of name."""
    try:
        return datetime.strptime(job.removeprefix("job-").partition("-")[0], "%Y%m%dT%H%M%S")
    except ValueError:
        return None


def _named(report: RunReport) -> dict[str, str | None]:
    """What a report says from its beginning."""
    return report.model_dump(include={"run_id", "job", "workspace", "dataset", "source", "profile", "started_at"})


def _ended(report: RunReport) -> RunSummary:
    done = report.videos_done + report.videos_duplicate + report.videos_elsewhere
    return RunSummary(
        **_named(report),
        state=report.state,
        wall_s=report.wall_s,
        videos_to_do=done + report.videos_quarantined + report.videos_remaining,
        videos_done=done,
        videos_skipped=report.videos_skipped,
        videos_quarantined=report.videos_quarantined,
        scenes=report.scenes_done,
        media_s=report.media_s,
        error=report.error,
    )


def _told(report: RunReport, lease: Lease | None, now: datetime, state: Literal["running", "lost"]) -> RunSummary:
    """What the lease of a run says, which it renews while it works; one that was killed leaves its last one for some
    time.
    """
    wall_s = (now - datetime.fromisoformat(report.started_at)).total_seconds()
    counts = lease.counts if lease is not None else None
    known = {} if counts is None else counts.model_dump(exclude={"videos_found", "bytes_done", "bytes_total"})
    if state == "lost":
        wall_s, known["doing"] = 0.0, ""
    elif counts is None:
        known["doing"] = "listing sources"
    left_s = None
    if state == "running" and counts is not None and counts.videos_done:
        left_s = time_left_s(wall_s, counts.bytes_done, counts.bytes_total)
    return RunSummary(
        **known,
        **_named(report),
        state=state,
        wall_s=round(wall_s, 3),
        videos_to_do=None if counts is None else counts.videos_found,
        left_s=None if left_s is None else round(left_s, 1),
    )
