"""Keeps the progress line moving while nothing comes out of the pipeline, and ends a run that has become hopeless."""

import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any

from pipelines.ledger import LedgerClient, LedgerState, LostTask
from pipelines.progress import Progress, ProgressLine

_INTERVAL_S = 2.0


class OutageSeen(Exception):
    """A stage met an outage: what every video needs is away; or the run has lost its lease."""


def _raise_outage_seen(number: int, frame: FrameType | None) -> None:
    raise OutageSeen


class Heartbeat:
    """Shows the progress every few seconds while its block runs.

    With `ends_on_outage` its block, if it is run by the main thread, ends in OutageSeen when a stage met an outage, or
    the run has lost its lease: the stream waits for its next row, and every further span would fail like this one, a
    server's whole patience each.
    """

    def __init__(
        self,
        line: ProgressLine,
        progress: Progress,
        ledger: LedgerClient,
        pools: Sequence[str],
        *,
        ends_on_outage: bool = False,
        is_lost: Callable[[], bool] = lambda: False,
    ) -> None:
        self.outage: LostTask | None = None
        self._ends_on_outage = ends_on_outage
        self._is_lost = is_lost  # asked from a thread: whether the run has lost its lease
        self._handler: Any = signal.SIG_DFL  # what SIGUSR1 did before
        self._line = line
        self._progress = progress
        self._ledger = ledger
        self._pools = pools
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def __enter__(self) -> None:
        self._ends_on_outage &= threading.current_thread() is threading.main_thread()
        if self._ends_on_outage:
            self._handler = signal.signal(signal.SIGUSR1, _raise_outage_seen)
        self._ledger.expect(self._pools, self._progress.videos)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._progress.doing = ""
        if self._ends_on_outage:
            signal.signal(signal.SIGUSR1, self._handler)

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            state = self._ledger.state()
            self._progress.doing = doing(state, self._pools)
            self._line.show(self._progress)
            self.outage = outage_in(state)
            if (self.outage is not None or self._is_lost()) and self._ends_on_outage:
                # Not as Ctrl-C does: under nohup that signal is ignored.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                return


def outage_in(state: LedgerState) -> LostTask | None:
    """A task that failed because of something that every video needs; None if there is none."""
    return next((task for task in state.unfinished.values() if task.is_outage), None)


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
