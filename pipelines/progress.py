"""The progress line of a run."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from footage.time_left import time_left_s

_RAREST_S = 60.0  # between two lines of a log
_PAUSE_SHARE = 0.05  # of the time so far passes until the next line


@dataclass
class Progress:
    """Counts of a run while it goes. A video counts as done when its manifest is written."""

    videos: int  # sources of this run that were not skipped
    skipped: int = 0
    done: int = 0
    duplicate: int = 0
    quarantined: int = 0
    elsewhere: int = 0  # indexed meanwhile by another run
    scenes: int = 0
    spans: int = 0
    media_s: float = 0.0
    bytes_total: int = 0
    bytes_done: int = 0
    doing: str = ""  # what goes on now
    started_at: float = field(default_factory=time.monotonic)  # time.monotonic()

    @property
    def remaining(self) -> int:
        """Videos without an outcome yet."""
        return max(0, self.videos - self.done - self.duplicate - self.elsewhere - self.quarantined)

    def line(self) -> str:
        """One line: what is done, what is left, how fast, and how long it will take."""
        elapsed = max(1e-6, time.monotonic() - self.started_at)
        parts = [
            f"{self.done + self.duplicate + self.elsewhere} of {self.videos} videos done",
            f"{self.skipped} skipped",
            f"{self.quarantined} quarantined",
            f"{self.remaining} remaining",
            f"{self.scenes} scenes",
            f"{self.media_s / elapsed:.1f} video h/h",
        ]
        left_s = time_left_s(elapsed, self.bytes_done, self.bytes_total)
        if self.done and self.remaining and left_s is not None:
            parts.append(f"about {duration(left_s)} left")
        if self.doing:
            parts.append(self.doing)
        return " · ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


class ProgressLine:
    """Shows a Progress: one line that is written over on a terminal, and new lines in a log.

    Those come every few seconds first and then more rarely, up to one a minute: the log of a run of hours can be read.
    """

    def __init__(self, console: IO[str], *, every_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._terminal = console.isatty()
        self._every_s = 0.2 if self._terminal else every_s
        self._clock = clock
        self._begun = clock()
        self._last = float("-inf")
        self._open = False

    def show(self, progress: Progress, *, force: bool = False) -> None:
        """Write the line if enough time has passed since the last one."""
        if not force and self._clock() - self._last < self._pause_s():
            return
        self._last = self._clock()
        if self._terminal:
            self._console.write(f"\r\x1b[K{progress.line()}")
            self._console.flush()
            self._open = True
        else:
            self.say(progress.line())

    def _pause_s(self) -> float:
        if self._terminal:
            return self._every_s
        return max(self._every_s, min(_RAREST_S, (self._clock() - self._begun) * _PAUSE_SHARE))

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self._console.write(f"\r\x1b[K{text}\n" if self._open else f"{text}\n")
        self._console.flush()
        self._open = False
