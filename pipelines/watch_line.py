"""What a watch says while it waits."""

from collections.abc import Callable
from datetime import datetime
from typing import IO

from pipelines.progress import duration

# On a terminal the line is written over; elsewhere (a log) a new one comes after so long, to show that it is alive.
_TERMINAL_S, _LOG_S = 1.0, 900.0


class WatchLine:
    """Shows where a watch stands: one line that is written over on a terminal, and now and then a new one elsewhere."""

    def __init__(self, console: IO[str], clock: Callable[[], float]) -> None:
        """Write to a console; the clock gives POSIX seconds."""
        self._console = console
        self._clock = clock
        self._every_s = _TERMINAL_S if console.isatty() else _LOG_S
        self._terminal = console.isatty()
        self._shown_at: float | None = None
        self._open = False

    def waiting(self, address: str, known: int, looked_at: float | None, next_s: float, note: str = "") -> None:
        """Say that nothing is to be done.

        Args:
            address: of the source.
            known: sources that are accounted for.
            looked_at: POSIX seconds of the last look; None if there was none.
            next_s: seconds until the next one; 0: it waits for messages.
            note: what else is to be known.
        """
        if self._shown_at is not None and self._clock() - self._shown_at < self._every_s:
            return
        self._shown_at = self._clock()
        parts = ["1 video known" if known == 1 else f"{known} videos known"]
        if looked_at is not None:
            parts.append(f"last looked {datetime.fromtimestamp(looked_at):%H:%M:%S}")
        parts.append(f"next in {duration(next_s)}" if next_s else "waiting for messages")
        parts += [note] if note else []
        text = f"watching {address}: {', '.join(parts)}"
        if self._terminal:
            self._console.write(f"\r\x1b[K{text}")
            self._console.flush()
            self._open = True
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self._console.write(f"\r\x1b[K{text}\n" if self._open else f"{text}\n")
        self._console.flush()
        self._open = False

    def end(self) -> None:
        """End the line that is open, since something else writes now; the next one that waits comes at once."""
        if self._open:
            self._console.write("\r\x1b[K")
            self._console.flush()
        self._open, self._shown_at = False, None
