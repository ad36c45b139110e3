"""How a watch learns what is new: by listing the source, or by messages of its bucket."""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from footage.errors import StoreError
from footage.local_sources import MISSING_ETAG
from footage.records import Source
from footage.s3_events import CreatedObject, created_objects
from footage.s3_sources import is_below, is_listed
from footage.s3_uri import s3_uri
from footage.seen_sources import SourcePile
from footage.sources import current_source
from footage.sqs_queue import LONGEST_POLL_S, Message, SqsQueue
from footage.watch_settings import WatchSettings
from pipelines.watched_source import WatchedSource

# At once: so many objects are looked at by HEAD, and so many messages are one run at most (SQS hides 120,000).
_LOOKS = 8
_MOST_MESSAGES = 10_000


class Feed(Protocol):
    """Where new sources come from."""

    pause_s: float  # between two looks

    @property
    def known(self) -> int:
        """How many sources are accounted for."""

    @property
    def note(self) -> str:
        """What the user may want to know of the last look; may be empty."""

    def look(self) -> SourcePile:
        """What is new; the same again until it is accounted for."""

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """For the block, in which a run works on what look() gave."""

    def account(self, sources: Collection[Source]) -> None:
        """These are searchable, or in quarantine."""


class ListingFeed:
    """Lists the source at each look."""

    def __init__(self, source: WatchedSource, settings: WatchSettings, clock: Callable[[], float]) -> None:
        """Nothing is asked yet; the clock gives POSIX seconds."""
        self.pause_s = settings.every_s
        self._source = source
        self._whole_look_s = settings.whole_look_s
        self._clock = clock
        self._learnt_at: float | None = None

    @property
    def known(self) -> int:
        """See Feed."""
        return self._source.known

    @property
    def note(self) -> str:
        """See Feed."""
        return f"{self._source.settling} still being written" if self._source.settling else ""

    @property
    def is_due(self) -> bool:
        """Whether what is known is old."""
        return self._learnt_at is None or self._clock() - self._learnt_at >= self._whole_look_s

    def look(self) -> SourcePile:
        """See Feed."""
        if self.is_due:
            self._source.learn()
            self._learnt_at = self._clock()
        return self._source.listed(self._clock())

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """See Feed."""
        return contextlib.nullcontext()

    def account(self, sources: Collection[Source]) -> None:
        """See Feed."""
        self._source.account(sources)


class QueueFeed:
    """Takes messages of the bucket from a queue; lists the source at the start, and now and then in case that some were
    lost.

    A message is deleted when its object is accounted for, or is none of the source's videos; one of another bucket or
    prefix, or of another kind, is left for whom it may concern.
    """

    pause_s = 0.0  # it waits for messages

    def __init__(
        self, source: WatchedSource, queue: SqsQueue, settings: WatchSettings, clock: Callable[[], float]
    ) -> None:
        """Nothing is asked yet; the clock gives POSIX seconds."""
        self._source = source
        self._queue = queue
        self._settings = settings
        self._listing = ListingFeed(source, settings, clock)
        self._is_listed = False  # all that the last listing gave is accounted for
        self._held: list[Message] = []
        self._strangers = 0

    @property
    def known(self) -> int:
        """See Feed."""
        return self._source.known

    @property
    def note(self) -> str:
        """See Feed."""
        if self._strangers:
            return (
                f"{self._strangers} messages left in the queue that are not of this source: give it a queue of its own"
            )
        return self._listing.note

    def look(self) -> SourcePile:
        """See Feed. Waits for the first message, and then until no more come."""
        if not self._is_listed or self._listing.is_due:
            self._receive(0)  # they are older than the listing, which finds what they tell
            pile = self._listing.look()
            self._is_listed = not len(pile)
            return pile
        return self._source.told(self._arrived())

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """See Feed. Messages stay hidden for the block."""
        ended = threading.Event()

        def hide() -> None:
            while not ended.wait(self._settings.visibility_s / 3):
                with contextlib.suppress(StoreError):  # they come again if that lasts, and tell nothing new then
                    self._queue.hide(self._held)

        thread = threading.Thread(target=hide, name="hold-messages", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def account(self, sources: Collection[Source]) -> None:
        """See Feed."""
        self._source.account(sources)
        held, self._held = self._held, []
        self._queue.delete(held)
        self._is_listed = True

    def _arrived(self) -> list[Source]:
        """The objects that messages tell of, as they are now; the messages are held."""
        told = self._receive(LONGEST_POLL_S)
        if not told:
            return []
        with ThreadPoolExecutor(_LOOKS) as threads:
            found = list(threads.map(self._now, told))
        return [source for source in found if source.etag != MISSING_ETAG]

    def _receive(self, wait_s: int) -> list[CreatedObject]:
        """The videos that messages tell of, each once; waits so long for the first message, and holds all."""
        self._held, told = [], dict[CreatedObject, None]()  # what is held from before a failure comes again
        while messages := self._queue.receive(self._settings.gather_s if self._held else wait_s):
            for message in messages:
                created = created_objects(message.body)
                if created is None or any(not is_below(self._source.address, *each) for each in created):
                    self._strangers += 1
                    continue
                self._held.append(message)
                told |= dict.fromkeys(each for each in created if is_listed(self._source.address, each.key))
            if len(self._held) >= _MOST_MESSAGES:
                break
        return list(told)

    def _now(self, created: CreatedObject) -> Source:
        return current_source(s3_uri(*created), self._source.access)
