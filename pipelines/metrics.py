"""Tells Prometheus, by way of Ray, how a run goes: the figures of footage/metric_list.py that its driver knows."""

import contextlib
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from footage import metric_list as m
from footage.metric_list import Metric
from footage.transfers import TRANSFERS
from pipelines.ledger import LedgerClient, LedgerState, StageWork
from pipelines.tally import Tally

# Ray sends what was recorded every 10 s, and forgets a gauge that was not recorded again since.
EVERY_S = 2.0
DRIVER = "driver"  # as a stage: what the process of the run itself moved
_OUTCOMES = ("done", "duplicate", "elsewhere", "quarantined", "skipped")


class Recorder:
    """One metric in Ray, in this process. To be made after ray.init()."""

    def __init__(self, metric: Metric) -> None:
        """Register it."""
        import ray.util.metrics

        self._metric = metric
        self._of_ray: Any = getattr(ray.util.metrics, metric.kind.capitalize())(**metric.ray_arguments())
        self._totals: dict[tuple[str, ...], float] = {}

    def set(self, value: float, *labels: str) -> None:
        """The value of a gauge now."""
        self._of_ray.set(value, self._tags(labels))

    def total(self, total: float, *labels: str) -> None:
        """What a counter counts has come to this, since this was made."""
        before = self._totals.get(labels)
        self._totals[labels] = total
        if before is None:
            # inc() refuses 0, but a series that is born with its first event hides that event from rate().
            self._of_ray._record(0.0, self._tags(labels))
        if grown := growth(before or 0, total):
            self._of_ray.inc(grown, self._tags(labels))

    def observed(self, buckets: list[int], *labels: str) -> None:
        """So many observations fell into each bucket by now; the last one has no upper bound."""
        bounds = (*self._metric.buckets, self._metric.buckets[-1] * 2)
        for bound, count in zip(bounds, buckets, strict=True):
            key = (*labels, str(bound))
            grown = growth(self._totals.get(key, 0), count)
            self._totals[key] = count
            for _ in range(int(grown)):
                self._of_ray.observe(bound, self._tags(labels))

    def _tags(self, labels: tuple[str, ...]) -> dict[str, str]:
        return dict(zip(self._metric.labels, labels, strict=True))


def growth(before: float, total: float) -> float:
    """By how much a total has grown; one that is lower than before has begun anew, as that of a ledger that died."""
    return total - before if total >= before else total


class RunMetrics:
    """Records every few seconds while its block runs, and what it came to at the end.

    The driver does it for all, as it lives as long as its job: each process adds its own label to whatever it records,
    and the node keeps the counters of processes that have ended. A ledger of its own for each run would leave hundreds
    of series behind.
    """

    def __init__(self, workspace: str, tally: Tally, ledger: LedgerClient) -> None:
        """Take what is watched; Ray runs."""
        self._workspace, self._tally, self._ledger = workspace, tally, ledger
        self._of = {metric: Recorder(metric) for metric in m.METRICS if metric.labels[:1] == ("workspace",)}
        self._state = LedgerState()
        self._began_at = time.time()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="run-metrics")

    def __enter__(self) -> None:
        self._of[m.RUN_LIVE].set(1, self._workspace)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._record(live=False)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self._record(live=True)

    def _record(self, *, live: bool) -> None:
        from ray.exceptions import RayError

        with contextlib.suppress(RayError):  # of a ledger that is gone: what it said last stays
            self._state = self._ledger.state()
        of, workspace, tally, state = self._of, self._workspace, self._tally, self._state
        progress = tally.progress
        for outcome in _OUTCOMES:
            of[m.VIDEOS].total(getattr(progress, outcome), workspace, outcome)
        for outcome, scenes in tally.scenes.items():
            of[m.SCENES].total(scenes, workspace, outcome)
        of[m.SPANS].total(progress.spans, workspace)
        of[m.MEDIA_SECONDS].total(progress.media_s, workspace)
        of[m.RUN_LIVE].set(int(live), workspace)
        of[m.LAST_PROGRESS].set(max(self._began_at, tally.last_outcome_at, state.progress_at), workspace)
        of[m.VIDEOS_LEFT].set(progress.remaining, workspace)
        claimed = sum(work.videos_claimed for work in state.work.values()) - tally.released
        of[m.CLAIMS].set(max(0, claimed) if live else 0, workspace)
        self._record_stages(state)
        self._record_pools(state, live=live)

    def _record_stages(self, state: LedgerState) -> None:
        of, workspace = self._of, self._workspace
        moved, before = TRANSFERS.total(), self._tally.moved_before
        driver = StageWork(retries=moved.retries - before.retries, bytes_read=moved.bytes_read - before.bytes_read)
        # Also stages that have done nothing yet, so that their first work shows as growth.
        nothing = {stage: StageWork() for pool in state.pools for stage in pool.split("+")}
        works = nothing | state.work
        for stage, work in {**works, DRIVER: driver}.items():
            of[m.STORE_RETRIES].total(work.retries, workspace, stage)
            of[m.BYTES_READ].total(work.bytes_read, workspace, stage)
        for stage, work in works.items():
            of[m.WORK_SECONDS].total(work.seconds, workspace, stage)
            of[m.WORKER_DEATHS].total(state.deaths[stage], workspace, stage)
            of[m.BATCH_ITEMS].total(work.items, workspace, stage)
            of[m.BATCH_SLOTS].total(work.slots, workspace, stage)
        for stage, counts in state.calls_within.items():
            of[m.STAGE_SECONDS].observed(counts, workspace, stage)

    def _record_pools(self, state: LedgerState, *, live: bool) -> None:
        waiting, busy = rows_waiting(state), busy_actors(state)
        for pool in state.pools:
            self._of[m.QUEUE_ROWS].set(waiting[pool] if live else 0, self._workspace, pool)
            self._of[m.BUSY_ACTORS].set(busy[pool] if live else 0, self._workspace, pool)


def rows_waiting(state: LedgerState) -> Mapping[str, int]:
    """How many rows each pool of the stream has been given and not begun. A pool is named after its stages."""
    waiting, given = {}, state.rows_given
    for pool in state.pools:
        stages = pool.split("+")
        waiting[pool] = max(0, given - state.rows_begun[stages[0]])
        given = state.work.get(stages[-1], StageWork()).rows_out
    return waiting


def busy_actors(state: LedgerState) -> Mapping[str, int]:
    """How many actors of each pool of the stream have something in hand."""
    at_work = [task.stage for task in state.unfinished.values() if not task.error]
    return {pool: sum(stage in pool.split("+") for stage in at_work) for pool in state.pools}
