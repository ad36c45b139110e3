"""What runs inside a Ray actor of a pool: loads its actors once, calls them in turn, and ends itself when stuck."""

import contextlib
import faulthandler
import gc
import logging
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pyarrow as pa

from footage.errors import FootageError, VideoError
from footage.span_table import replace_column
from footage.transfers import TRANSFERS
from pipelines.ledger import LedgerClient, StageWork, Task, task_of
from pipelines.stage import Pool, Stage


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
        self._begun = time.monotonic()

    def __enter__(self) -> None:
        self._ledger.begin(self._task)
        self._begun = time.monotonic()

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
        )
        self._ledger.end(self._task, "" if kind is None else f"{kind.__name__}: {error}", _is_outage(error), done)


def _is_outage(error: BaseException | None) -> bool:
    """Whether an error is of something that every video needs: the store, the index, an installation."""
    from ray.exceptions import RayError

    return isinstance(error, RayError) or (isinstance(error, FootageError) and not isinstance(error, VideoError))


def _say_what_actors_say() -> None:
    """Let the actors' messages (which model was loaded and where) reach stderr, and so the log of the run."""
    logger = logging.getLogger("actors")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


class PoolWorker:
    """Callable class for `Dataset.map_batches`: one batch is the rows of one block, as a rule one span."""

    def __init__(self, pool: Pool, ledger: LedgerClient) -> None:
        self._stages = pool.stages
        self._ledger = ledger
        _say_what_actors_say()
        with watchdog(pool.start_limit_s), collected_once():
            self._actors: list[Any] = [stage.actor(**stage.arguments) for stage in pool.stages]
        ledger.ready(pool.name)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """The rows after all stages of the pool; each stage's wall seconds go into `stage_seconds`."""
        for stage, actor in zip(self._stages, self._actors, strict=True):
            spans = self._run(stage, actor, spans)
        return spans

    def _run(self, stage: Stage, actor: Any, spans: pa.Table) -> pa.Table:
        task = task_of(spans, stage.name)
        with _InHand(self._ledger, task, actor), watchdog(stage.limit.seconds(task.media_s) + task.fetch_s):
            begun = time.monotonic()
            result = stage.run(actor, spans)
            return _with_seconds(result, stage.name, time.monotonic() - begun)


def _with_seconds(spans: pa.Table, stage: str, seconds: float) -> pa.Table:
    """The table with this stage's seconds added, shared evenly among its rows."""
    if not spans.num_rows:
        return spans
    share = round(seconds / spans.num_rows, 3)
    before = spans.column("stage_seconds").to_pylist()
    return replace_column(spans, "stage_seconds", [[*row, (stage, share)] for row in before])
