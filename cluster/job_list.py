"""Jobs and runs as one list: what the store knows, and what a cluster adds as long as there is one."""

from collections.abc import Iterable, Sequence
from itertools import islice

from pydantic import BaseModel, ConfigDict

from cluster.job_client import RayJob
from footage.errors import SettingsError
from footage.run_history import RunSummary, run_of_store, runs_of_job, runs_of_store
from footage.storage import ObjectStore

_RUNS_OF_ONE = 20  # a job that watches a source has any number of runs, and each is read


class Job(BaseModel):
    """A job with its runs, or a run that was started by hand."""

    model_config = ConfigDict(frozen=True)

    name: str  # of the job, else of the run
    runs: list[RunSummary]  # the newest first; a job that watches a source has many
    ray: RayJob | None  # None: no cluster was asked, or it does not know it
    page: str = ""  # where the dashboard of the cluster shows it

    @property
    def state(self) -> str:
        """In a word.

        Of a job that goes on: pending, running; else as its last run ended, or as Ray says of one that had none.
        """
        if self.ray is not None and not self.ray.has_ended:
            return self.ray.status.lower()
        if self.runs:
            return self.runs[0].state
        assert self.ray is not None  # one of both made it an entry
        return {"SUCCEEDED": "finished", "STOPPED": "interrupted"}.get(self.ray.status, "failed")

    @property
    def error(self) -> str:
        """Why it failed; what Ray says where it did so before a run began."""
        if self.state not in ("failed", "interrupted"):
            return ""
        if self.runs:
            return self.runs[0].error
        return self.ray.message if self.ray is not None else ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state not in ("pending", "running")

    def of(self, what: str) -> str:
        """What it was told to do: `source`, `workspace`, `profile`, …"""
        if self.runs:
            return getattr(self.runs[0], what) or ""
        return self.ray.metadata.get(what, "") if self.ray is not None else ""

    @property
    def started_at(self) -> str:
        """UTC, ISO 8601."""
        return self.ray.started_at if self.ray is not None else self.runs[-1].started_at


def jobs_of_store(
    store: ObjectStore, of_cluster: Sequence[RayJob], most: int, workspace: str | None = None
) -> list[Job]:
    """The last jobs and runs, the newest first.

    Args:
        store: has the reports of runs.
        of_cluster: what a cluster knows; what indexes into other stores, or is not footage's, is left out.
        most: so many that the store knows; those of a cluster that have no run come on top.
        workspace: only those of this one.
    """
    runs: dict[str, list[RunSummary]] = {}
    wanted = (run for run in runs_of_store(store) if workspace in (None, run.workspace))
    for run in islice(wanted, most * _RUNS_OF_ONE):
        name = run.job or run.run_id
        if name not in runs and len(runs) == most:
            break
        runs.setdefault(name, []).append(run)
    known = {job.job: job for job in of_cluster if job.job in runs or _is_of(job, store, workspace)}
    jobs = [_job(name, runs.get(name, []), known.get(name)) for name in {**known, **runs}]
    return sorted(jobs, key=lambda job: job.started_at, reverse=True)


def job_of_store(store: ObjectStore, name: str | None, of_cluster: Iterable[RayJob]) -> Job:
    """A job or a run by its name; None is the newest.

    Raises:
        SettingsError: there is none of this name, or none at all.
    """
    known = {job.job: job for job in of_cluster}
    if name is None:
        newest = jobs_of_store(store, list(known.values()), most=1)
        if not newest:
            raise SettingsError(f"Nothing was ever indexed into {store.address}.")
        name = newest[0].name
    runs = runs_of_job(store, name)
    by_hand = run_of_store(store, name) if not runs and "/" not in name else None
    if by_hand is not None and by_hand.job:
        return job_of_store(store, by_hand.job, known.values())
    runs = runs or ([by_hand] if by_hand is not None else [])
    if not runs and name not in known:
        raise SettingsError(f"{store.address} knows no job or run {name!r}; see `footage jobs`, or name its --store.")
    return _job(name, runs, known.get(name))


def _job(name: str, runs: list[RunSummary], ray: RayJob | None) -> Job:
    """One entry. Where Ray has seen the end of a job whose run did not say how it ended, the run was killed.

    Nobody needs to wait until its lease has run out: Ray was asked first, and a run writes its report before it ends.
    """
    if runs and runs[0].state == "running" and ray is not None and ray.has_ended:
        runs = [runs[0].model_copy(update={"state": "lost", "doing": "", "left_s": None}), *runs[1:]]
    return Job(name=name, runs=runs, ray=ray)


def _is_of(job: RayJob, store: ObjectStore, workspace: str | None) -> bool:
    meant = job.metadata.get("store", "").rstrip("/")
    return meant == store.address.rstrip("/") and workspace in (None, job.metadata.get("workspace"))
