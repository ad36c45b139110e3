"""An embedded index that several programs of this machine use at once: runs, the service, deletions, searches.

The engine lets one process open a folder. So whoever asks first when nobody has it becomes its owner and answers the
others too (index_service.py); when it ends, or is killed, one of those who ask next takes over. What an owner confirmed
is in the engine's log, and every call may be made again, so nothing is lost on the way.
"""

import contextlib
import itertools
import threading
import time
from pathlib import Path
from typing import Any, Final, Self

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexFailed
from footage.index_calls import METHODS, IndexCalls
from footage.index_client import IndexClient
from footage.index_records import IndexSpec, SceneFilter
from footage.index_service import IndexService
from footage.ownership import POLL_S, held_sentence, lock_of

PATIENCE_S: Final = 30.0
"""For an owner that ends or was killed: another needs a second at most to load 100,000 scenes."""
ANSWER_WITHIN_S: Final = 60.0
"""A search takes milliseconds and the publication of a long video seconds, several times that on a busy machine."""
_EXCHANGE = "take_rebuilt"  # of EmbeddedIndex


class SharedIndex(IndexCalls):
    """A VectorIndex (see there) over an embedded index, whoever owns it. Methods may be called from many threads.

    Once it owns the index it does so until close(), and answers the other processes.
    """

    def __init__(
        self,
        path: Path,
        spec: IndexSpec,
        owner: str | None,
        patience_s: float = PATIENCE_S,
        create: bool = True,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        """Take the index, or find its owner.

        Args:
            path: of the scenes, see EmbeddedIndex.
            spec: what the vectors are.
            owner: the command, for who finds the index held. None: never own it, and ask nobody yet, as whoever is to
                own it may just be starting.
            patience_s: how long each call is tried while nobody answers and the index cannot be taken.
            create: make it if it is not there.
            answer_within_s: how long one answer of another process may take.

        Raises:
            IndexBusy: its owner does not answer; the message says who it is.
            IndexMismatch: it holds vectors of other models than `spec` says.
            StoreError: it is not there and `create` is False, it lost a part, or no other process could be answered.
        """
        self._path, self._spec, self._owner = path, spec, owner
        self._patience_s = patience_s
        self._create = create
        self._client = IndexClient(path, spec, answer_within_s)
        self._changing = threading.Lock()
        self._owned: EmbeddedIndex | None = None
        self._service: IndexService | None = None
        self._closed = False
        if owner is None:
            return
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self.count(SceneFilter(""))  # so that what is wrong is said now
            undo.pop_all()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the index itself, or of its owner.

        Raises:
            IndexBusy: nobody answers within the patience, and the index cannot be taken; or an answer takes too long.
            IndexFailed: the owner met an error that footage does not raise on purpose.
            FootageError: what the method raises.
        """
        deadline = time.monotonic() + self._patience_s
        for attempt in itertools.count():
            owned = self._owned
            if owned is None or not owned.is_open:
                owned = self._take()
            if owned is not None:
                return getattr(owned, method)(*arguments)
            try:
                return self._client.call(method, arguments)
            except OSError as error:  # it ended, or is just beginning
                if attempt and time.monotonic() >= deadline:
                    raise IndexBusy(
                        f"{held_sentence(lock_of(self._path))} It does not answer. Wait for it to end, or end it, and"
                        " try again."
                    ) from error
            if attempt:  # the first time, it may just have ended, and the index be free
                time.sleep(POLL_S)
        raise AssertionError  # counting has no end

    def take_rebuilt(self) -> None:
        """Have the owner put the rebuilt index in the place of its own; see EmbeddedIndex.take_rebuilt."""
        self.call(_EXCHANGE)

    def close(self) -> None:
        """See VectorIndex; calls that are being made are ended first. Again is fine."""
        with self._changing:
            self._closed = True
            self._let_go()
            self._client.close()

    def _take(self) -> EmbeddedIndex | None:
        """Own the index if nobody does; None if another process does."""
        if self._client.connected:
            return None
        with self._changing:
            if self._closed:
                raise IndexFailed(f"The index {self._path} was closed in this process.")
            if self._owned is not None and not self._owned.is_open:  # it could not be loaded after an exchange
                self._let_go()
            # another thread may have been here
            if self._owned is None and self._owner is not None and not self._client.connected:
                with contextlib.suppress(IndexBusy):
                    self._owned = self._opened(self._owner)
            return self._owned

    def _let_go(self) -> None:
        """Own the index no more."""
        if self._service is not None:
            self._service.close()
        if self._owned is not None:
            self._owned.close()
        self._owned = self._service = None

    def _opened(self, owner: str) -> EmbeddedIndex:
        with contextlib.ExitStack() as undo:
            opened = undo.enter_context(EmbeddedIndex(self._path, self._spec, owner, create=self._create))
            self._service = IndexService(opened, self._path, METHODS | {_EXCHANGE})
            undo.pop_all()
        return opened

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
