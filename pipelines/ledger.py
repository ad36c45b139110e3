"""The run's ledger: which span is in the hands of which stage, so that a lost one can say where it was lost."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from actors.decoder_limits import fetch_limit_s, reading_s

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
        return Task(stage, uri, -1, reading_s(size_bytes), fetch_s, is_settled)
    media_s = first["span_end_s"] - first["span_start_s"]
    return Task(stage, uri, first["span_index"], media_s, fetch_s, is_settled)


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


@dataclass
class LedgerState:
    """What the ledger knows."""

    unfinished: dict[tuple[str, int], LostTask] = field(default_factory=dict)  # by source URI and span index
    deaths: Counter[str] = field(default_factory=Counter)  # per stage: begun again without having ended
    first_ready_at: dict[str, float] = field(default_factory=dict)  # per pool: time.time() of its first actor
    actors_ready: Counter[str] = field(default_factory=Counter)  # per pool: how many have loaded, with successors
    work: dict[str, StageWork] = field(default_factory=dict)  # per stage


class Ledger:
    """Kept by one small Ray actor; its loss costs explanations, never work."""

    def __init__(self) -> None:
        self._state = LedgerState()
        self._tries: Counter[tuple[str, int, str]] = Counter()  # by source URI, span index and stage

    def ready(self, pool: str) -> None:
        """An actor of the pool has loaded."""
        self._state.first_ready_at.setdefault(pool, time.time())
        self._state.actors_ready[pool] += 1

    def begin(self, task: Task) -> None:
        """A stage takes a span in hand. If the span is in hand already, the worker that had it is dead."""
        key = (task.source_uri, task.span_index)
        before = self._state.unfinished.get(key)
        if before is not None and not before.error:
            self._state.deaths[before.stage] += 1
        self._tries[*key, task.stage] += 1
        self._state.unfinished[key] = LostTask(task.stage, self._tries[*key, task.stage])

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
        key = (task.source_uri, task.span_index)
        if error:
            self._state.unfinished[key] = LostTask(task.stage, self._tries[*key, task.stage], error, is_outage)
        else:
            self._state.unfinished.pop(key, None)
            self._tries.pop((*key, task.stage), None)

    def state(self) -> LedgerState:
        """Everything known by now."""
        return self._state


class LedgerClient:
    """Talks to the ledger's actor and waits for the answer, so that a task is known before it can kill its worker."""

    def __init__(self) -> None:
        import ray  # after ray_session() has set the environment that Ray reads when it is imported

        remote = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Ledger)
        self._actor = remote.remote()

    def _call(self, method: str, *arguments: Any) -> Any:
        import ray

        return ray.get(getattr(self._actor, method).remote(*arguments))

    def ready(self, pool: str) -> None:
        """See Ledger.ready."""
        self._call("ready", pool)

    def begin(self, task: Task) -> None:
        """See Ledger.begin."""
        self._call("begin", task)

    def end(self, task: Task, error: str, is_outage: bool, done: StageWork | None = None) -> None:
        """See Ledger.end."""
        self._call("end", task, error, is_outage, done)

    def state(self) -> LedgerState:
        """See Ledger.state."""
        state: LedgerState = self._call("state")
        return state
