"""What runs inside a Ray actor of a pool: loads its actors once, calls them in turn, and ends itself when stuck."""

import contextlib
import faulthandler
import gc
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from footage.errors import FootageError, VideoError
from footage.span_table import replace_column
from footage.transfers import TRANSFERS
from pipelines.ledger import LedgerClient, StageWork, Task, task_of
from pipelines.stage import Pool, Stage
from pipelines.stage_context import StageCalls, tell_lost
from pipelines.worker_metrics import ModelMemory, WorkerGauges


@contextlib.contextmanager
def watchdog(limit_s: float) -> Iterator[None]:
    """End this process when the block takes longer than this, whatever holds the interpreter.

    faulthandler's thread needs no GIL, so a hang in C code ends too; the stacks of all threads go to stderr first.
    """
    faulthandler.dump_traceback_later(limit_s, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def collected_once() -> Iterator[None]:
    """Load what stays for the life of the process: garbage is looked for at the end, and never again among that.

    Python would go through all that is loaded time and again, and find it in use: the thousands of modules of torch and
    transformers and their objects. That took a quarter of their loading.
    """
    gc.disable()
    try:
        yield
        gc.collect()
        gc.freeze()
    finally:
        gc.enable()


class _InHand:
    """Tells the ledger which span a stage has in hand, and how that ended."""

    def __init__(self, ledger: LedgerClient, task: Task, actor: Any) -> None:
        self._ledger = ledger
        self._task = task
        self._fill = getattr(actor, "fill", None)  # actors with a model count the places of their batches
        self._before = self._batches()
        self._moved_before = TRANSFERS.total()
        self._rows_out = self._videos_claimed = 0
        self._begun = time.monotonic()

    def __enter__(self) -> None:
        tell_lost(self._ledger.begin(self._task))
        self._begun = time.monotonic()

    def gave(self, result: pa.Table) -> pa.Table:
        """Note what the stage gave, and hand that on."""
        self._rows_out = result.num_rows
        if self._task.span_index == -1 and "claim_generation" in result.column_names:  # it planned
            claimed = result.filter(pc.is_valid(result.column("claim_generation")))
            self._videos_claimed = len(claimed.column("video_id").unique())
        return result

    def _batches(self) -> tuple[int, int]:
        return (self._fill.items, self._fill.slots) if self._fill is not None else (0, 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.monotonic() - self._begun
        (items, slots), (items_before, slots_before) = self._batches(), self._before
        moved, moved_before = TRANSFERS.total(), self._moved_before
        done = StageWork(
            0 if self._task.is_settled else 1,
            seconds,
            items - items_before,
            slots - slots_before,
            moved.retries - moved_before.retries,
            moved.bytes_read - moved_before.bytes_read,
            self._rows_out,
            self._videos_claimed,
        )
        self._ledger.end(self._task, "" if kind is None else f"{kind.__name__}: {error}", _is_outage(error), done)


def _is_outage(error: BaseException | None) -> bool:
    """Whether an error is of something that every video needs: the store, the index, an installation."""
    from ray.exceptions import RayError

    return isinstance(error, RayError) or (isinstance(error, FootageError) and not isinstance(error, VideoError))


class PoolWorker:
    """Callable class for `Dataset.map_batches`: one batch is the rows of one block, as a rule one span."""

    def __init__(self, pool: Pool, ledger: LedgerClient) -> None:
        self._stages = pool.stages
        self._ledger = ledger
        self._calls = StageCalls(ledger.observation)
        memory = ModelMemory(on_card=pool.num_gpus > 0)
        self._actors: list[Any] = []
        with watchdog(pool.start_limit_s), collected_once():
            for stage in pool.stages:
                with memory.loading(stage.name):
                    self._actors.append(stage.actor(**stage.arguments))
        self._gauges = WorkerGauges(pool.name, pool.num_gpus, memory.of_stages)
        ledger.ready(pool.name)

    def __del__(self) -> None:
        """Called when Ray Data is done with the pool, before its process ends."""
        if hasattr(self, "_gauges"):  # else a stage could not be made
            self._gauges.close()
        if hasattr(self, "_calls"):
            self._calls.close()

    def __call__(self, spans: pa.Table) -> pa.Table:
        """The rows after all stages of the pool; each stage's wall seconds go into `stage_seconds`."""
        for stage, actor in zip(self._stages, self._actors, strict=True):
            spans = self._run(stage, actor, spans)
        return spans

    def _run(self, stage: Stage, actor: Any, spans: pa.Table) -> pa.Table:
        task = task_of(spans, stage.name)
        limit_s = stage.limit.seconds(task.media_s) + task.fetch_s
        in_hand = _InHand(self._ledger, task, actor)
        with self._calls.call(task, spans) as call, in_hand, watchdog(limit_s):
            begun = time.monotonic()
            result = in_hand.gave(call.gave(stage.run(actor, spans)))
            return _with_seconds(result, stage.name, time.monotonic() - begun)


def _with_seconds(spans: pa.Table, stage: str, seconds: float) -> pa.Table:
    """The table with this stage's seconds added, shared evenly among its rows."""
    if not spans.num_rows:
        return spans
    share = round(seconds / spans.num_rows, 3)
    before = spans.column("stage_seconds").to_pylist()
    return replace_column(spans, "stage_seconds", [[*row, (stage, share)] for row in before])
