"""Keeps the progress line moving while nothing comes out of the pipeline: says what is being waited for."""

import threading
from collections.abc import Sequence
from types import TracebackType

from pipelines.ledger import LedgerClient, LedgerState
from pipelines.progress import Progress, ProgressLine

_INTERVAL_S = 2.0


class Heartbeat:
    """Shows the progress every few seconds while its block runs."""

    def __init__(self, line: ProgressLine, progress: Progress, ledger: LedgerClient, pools: Sequence[str]) -> None:
        self._line = line
        self._progress = progress
        self._ledger = ledger
        self._pools = pools
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._progress.doing = ""

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            self._progress.doing = doing(self._ledger.state(), self._pools)
            self._line.show(self._progress)


def doing(state: LedgerState, pools: Sequence[str]) -> str:
    """What goes on now, in a few words.

    Args:
        state: of the run's ledger.
        pools: the names of all pools of the run.
    """
    if not state.first_ready_at:
        return "starting workers"
    if any(pool not in state.first_ready_at for pool in pools):
        return "loading models"
    return ", ".join(sorted({task.stage for task in state.unfinished.values() if not task.error}))
