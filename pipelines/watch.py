"""Watches a source: what arrives is indexed by a run of its own, and nothing happens while nothing does."""

import contextlib
from collections.abc import Callable

from footage.backoff import pause_s
from footage.errors import FootageError, IndexMismatch, InstallationError, ModelMissing
from footage.run_records import RunReport
from footage.seen_sources import SourcePile
from pipelines.watch_feeds import Feed
from pipelines.watch_line import WatchLine

_LASTING = (InstallationError, IndexMismatch, ModelMissing)  # what no waiting mends
# Pauses after failures in a row, beside those of each request: 15 s, twice as long each time, 15 minutes at most.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 15.0, 900.0
_STEP_S = 1.0  # of a wait, after which the line is brought up to date


class Watch:
    """Looks, lets a run index what is new, waits, and looks again."""

    def __init__(
        self,
        address: str,
        feed: Feed,
        index: Callable[[SourcePile], RunReport],
        idle: Callable[[], None],
        line: WatchLine,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Nothing is done yet.

        Args:
            address: of the source, for the user.
            feed: says what is new.
            index: makes a run over new sources, and shows its report.
            idle: called now and then while nothing is to be done.
            line: says where it stands.
            clock: gives POSIX seconds.
            sleep: waits for so many seconds.
        """
        self._address = address
        self._feed = feed
        self._index = index
        self._idle = idle
        self._line = line
        self._clock = clock
        self._sleep = sleep
        self._looked_at: float | None = None
        self._is_begun = False  # once all went well
        self._is_indexing = False
        self._failures = 0
        self._said: type[FootageError] | None = None  # of an outage

    def until_interrupted(self) -> bool:
        """Watch until a KeyboardInterrupt; gives whether that broke off a run.

        Raises:
            FootageError: the first look failed, or the run that it led to; or a later run, for a reason that lasts.
        """
        try:
            while not self._is_indexing:
                self._turn()
        except KeyboardInterrupt:
            pass
        return self._is_indexing

    def _turn(self) -> None:
        """One look, and what follows from it."""
        try:
            self._look()
        except FootageError as error:
            self._is_indexing = False
            if not self._is_begun or isinstance(error, _LASTING):
                raise
            self._wait(self._outage(error))
            return
        if self._failures:
            self._line.say(f"{self._address} can be indexed again.")
        self._failures, self._said, self._is_begun = 0, None, True
        if not self._is_indexing:
            self._wait(self._feed.pause_s)

    def _look(self) -> None:
        if self._is_begun and not self._feed.pause_s:
            self._show(0.0)  # the look itself waits, for messages
            self._idle()
        with contextlib.closing(self._feed.look()) as found:
            self._looked_at = self._clock()
            if len(found):
                self._is_indexing = True
                with self._feed.hold():
                    report = self._index(found)
                self._is_indexing = report.state == "interrupted"
            if not self._is_indexing:
                self._feed.account(found)

    def _outage(self, error: FootageError) -> float:
        """Say once what is wrong; gives how long to wait before the next look."""
        self._failures += 1
        if type(error) is not self._said:  # what it says differs each time, by how long it was tried
            self._said = type(error)
            self._line.say(f"footage: {error} The watch goes on, and tries again.")
        return max(self._feed.pause_s, pause_s(self._failures, _FIRST_PAUSE_S, _LONGEST_PAUSE_S))

    def _wait(self, seconds: float) -> None:
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            self._show(left)
            self._idle()
            self._sleep(min(left, _STEP_S))

    def _show(self, next_s: float) -> None:
        note = f"failed {self._failures} times in a row" if self._failures else self._feed.note
        self._line.waiting(self._address, self._feed.known, self._looked_at, next_s, note)
