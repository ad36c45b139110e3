"""A Ray that stays up between runs that follow each other closely."""

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from footage.pipeline_settings import PipelineSettings
from pipelines.ray_session import output_to, ray_session


class KeptRay:
    """Starts with the first run that needs it; to be given to run_index() as `session`, and closed.

    What is kept is Ray's own processes (or the connection to a cluster), and no models: those live in the actors of a
    stream, which Ray Data ends with it.
    """

    def __init__(self, keep_s: float, clock: Callable[[], float]) -> None:
        """Keep it for so long after a run; the clock gives seconds."""
        self._keep_s = keep_s
        self._clock = clock
        self._open = contextlib.ExitStack()
        self._show_output: Callable[[], None] | None = None  # None: it is not up
        self._used_at = 0.0
        self._is_tidy = True

    @contextlib.contextmanager
    def session(
        self, settings: PipelineSettings, address: str | None = None, *, verbose: bool = False
    ) -> Iterator[None]:
        """Ray for a run; see ray_session(). A run that broke off leaves none: its Ray may be why."""
        if self._show_output is None:
            self._show_output = self._open.enter_context(ray_session(settings, address, verbose=verbose))
        with contextlib.ExitStack() as undo:
            undo.callback(self._end)
            yield
            undo.pop_all()
        self._show_output()
        self._used_at, self._is_tidy = self._clock(), False

    def end_if_idle(self) -> None:
        """End it if the last run is long over; what only that run had of it ends now."""
        if self._show_output is None:
            return
        if not self._is_tidy:
            gc.collect()  # an actor ends when no handle is left, and some lie in cycles
            self._is_tidy = True
        if self._clock() - self._used_at >= self._keep_s:
            self.close()

    def close(self) -> None:
        """End it; what Ray says about that is for nobody."""
        if self._show_output is not None:
            with output_to(Path(os.devnull)):
                self._end()

    def _end(self) -> None:
        self._show_output = None
        self._open.close()
