"""The run's ledger: which span is in the hands of which stage, so that a lost one can say where it was lost."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from actors.decoder_limits import fetch_limit_s, reading_s
from footage.metric_list import STAGE_SECONDS
from pipelines.observation import UNOBSERVED, Observation

_FETCHING = frozenset({"SpanPlanner", "VideoDecoder"})  # stages that read a source
_SETTLED = ("duplicate", "elsewhere", "failure_code")  # columns of a row that stages hand on untouched
_OF_TASK = ("source_uri", "source_size_bytes", "span_index", "span_start_s", "span_end_s")


@dataclass(frozen=True)
class Task:
    """One call of a stage: the span it works on (index -1: the whole source) and the seconds of media in it."""

    stage: str
    source_uri: str
    span_index: int
    media_s: float
    fetch_s: float = 0.0  # that fetching its source may take on top, where that is not on this machine
    is_settled: bool = False  # the row is only handed on
    rows: int = 1


def task_of(spans: pa.Table, stage: str) -> Task:
    """The task that a batch is, named by its first row (batches are one row as a rule)."""
    # These columns only: a row also carries its sound and key frames, many megabytes.
    named = [name for name in (*_OF_TASK, *_SETTLED) if name in spans.column_names]
    first = spans.select(named).slice(0, 1).to_pylist()[0]
    uri, size_bytes = first["source_uri"], first["source_size_bytes"]
    is_settled = any(first.get(name) for name in _SETTLED)
    fetch_s = fetch_limit_s(uri, size_bytes) if stage in _FETCHING and not is_settled else 0.0
    if first.get("span_index") is None:
        # Before planning the length is unknown; hashing is bound by reading.
        return Task(stage, uri, -1, reading_s(size_bytes), fetch_s, is_settled, spans.num_rows)
    media_s = first["span_end_s"] - first["span_start_s"]
    return Task(stage, uri, first["span_index"], media_s, fetch_s, is_settled, spans.num_rows)


@dataclass
class LostTask:
    """A task that was begun and never ended, or ended in an error: where, how often, and with what message."""

    stage: str
    attempts: int = 0
    error: str = ""
    is_outage: bool = False  # the error is of something that every video needs


@dataclass
class StageWork:
    """What the actors of a stage have done so far."""

    calls: int = 0  # with something to do
    seconds: float = 0.0  # wall, of all actors together
    items: int = 0  # in model batches, whatever an item is to the model: a picture, a text, a scene
    slots: int = 0  # places that those batches had
    retries: int = 0  # requests to object stores that had to be sent again
    bytes_read: int = 0  # from object stores and by http(s)
    rows_out: int = 0  # rows that it gave to the next stage
    videos_claimed: int = 0  # of the stage that claims them


@dataclass
class LedgerState:
    """What the ledger knows."""

    unfinished: dict[tuple[str, int], LostTask] = field(default_factory=dict)  # by source URI and span index
    deaths: Counter[str] = field(default_factory=Counter)  # per stage: begun again without having ended
    first_ready_at: dict[str, float] = field(default_factory=dict)  # per pool: time.time() of its first actor
    actors_ready: Counter[str] = field(default_factory=Counter)  # per pool: how many have loaded, with successors
    work: dict[str, StageWork] = field(default_factory=dict)  # per stage
    rows_begun: Counter[str] = field(default_factory=Counter)  # per stage; one that is tried again counts once
    calls_within: dict[str, list[int]] = field(default_factory=dict)  # per stage and bucket of STAGE_SECONDS
    pools: tuple[str, ...] = ()  # of the stream that runs now, in order
    rows_given: int = 0  # to the first of those pools, by the whole run
    progress_at: float = 0.0  # time.time() when a stage last ended without an error


class Ledger:
    """Kept by one small Ray actor; its loss costs explanations, never work."""

    def __init__(self) -> None:
        self._state = LedgerState()
        self._tries: Counter[tuple[str, int, str]] = Counter()  # by source URI, span index and stage

    def expect(self, pools: Sequence[str], rows: int) -> None:
        """A stream of so many rows through these pools, in order, begins or goes on."""
        self._state.pools, self._state.rows_given = tuple(pools), rows

    def ready(self, pool: str) -> None:
        """An actor of the pool has loaded."""
        self._state.first_ready_at.setdefault(pool, time.time())
        self._state.actors_ready[pool] += 1

    def begin(self, task: Task) -> LostTask | None:
        """A stage takes a span in hand. If the span is in hand already, the worker that had it is dead: gives that."""
        key = (task.source_uri, task.span_index)
        before = self._state.unfinished.get(key)
        lost = before if before is not None and not before.error else None
        if lost is not None:
            self._state.deaths[lost.stage] += 1
        self._tries[*key, task.stage] += 1
        if self._tries[*key, task.stage] == 1:
            self._state.rows_begun[task.stage] += task.rows
        self._state.unfinished[key] = LostTask(task.stage, self._tries[*key, task.stage])
        return lost

    def end(self, task: Task, error: str, is_outage: bool, done: StageWork | None = None) -> None:
        """The stage is done with it; `error` is empty unless it raised. `done` is what this call did."""
        if done is not None:
            work = self._state.work.setdefault(task.stage, StageWork())
            work.calls += done.calls
            work.seconds += done.seconds
            work.items += done.items
            work.slots += done.slots
            work.retries += done.retries
            work.bytes_read += done.bytes_read
            work.rows_out += done.rows_out
            work.videos_claimed += done.videos_claimed
            if done.calls:
                within = self._state.calls_within.setdefault(task.stage, [0] * (len(STAGE_SECONDS.buckets) + 1))
                within[bisect_left(STAGE_SECONDS.buckets, done.seconds)] += 1
        key = (task.source_uri, task.span_index)
        if error:
            self._state.unfinished[key] = LostTask(task.stage, self._tries[*key, task.stage], error, is_outage)
        else:
            self._state.progress_at = time.time()
            self._state.unfinished.pop(key, None)
            self._tries.pop((*key, task.stage), None)

    def state(self) -> LedgerState:
        """Everything known by now."""
        return self._state


class LedgerClient:
    """Talks to the ledger's actor and waits for the answer, so that a task is known before it can kill its worker."""

    def __init__(self, observation: Observation = UNOBSERVED) -> None:
        """Start the ledger; `observation` is what the workers that get this client are told."""
        import ray  # after ray_session() has set the environment that Ray reads when it is imported
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.observation = observation
        remote = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Ledger).options(
            # Beside the driver, which it is for: other machines may go while the run works.
            scheduling_strategy=NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        )
        self._actor = remote.remote()

    def _call(self, method: str, *arguments: Any) -> Any:
        import ray

        return ray.get(getattr(self._actor, method).remote(*arguments))

    def expect(self, pools: Sequence[str], rows: int) -> None:
        """See Ledger.expect. It is not waited for: the ledger may still be starting."""
        self._actor.expect.remote(tuple(pools), rows)

    def ready(self, pool: str) -> None:
        """See Ledger.ready."""
        self._call("ready", pool)

    def begin(self, task: Task) -> LostTask | None:
        """See Ledger.begin."""
        lost: LostTask | None = self._call("begin", task)
        return lost

    def end(self, task: Task, error: str, is_outage: bool, done: StageWork | None = None) -> None:
        """See Ledger.end."""
        self._call("end", task, error, is_outage, done)

    def state(self) -> LedgerState:
        """See Ledger.state."""
        state: LedgerState = self._call("state")
        return state
