"""Reads records of a store, several at once where each read is a request to another machine."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Self, TypeVar

from footage.s3_uri import is_s3
from footage.storage import ObjectStore

THREADS = 32  # as many connections as a client of a bucket keeps open

Record = TypeVar("Record")


class StoreReads:
    """Any number of threads may use it. Files of a folder are read one after the other: threads would cost more.

    Attributes:
        store: what is read.
    """

    def __init__(self, store: ObjectStore, threads: int = THREADS) -> None:
        """Take the store; threads start when they are needed, and end with close()."""
        self.store = store
        self._threads = threads if is_s3(store.address) else 0
        self._pool: ThreadPoolExecutor | None = None
        self._making = threading.Lock()

    def all(self, reads: Sequence[Callable[[], Record]]) -> list[Record]:
        """The results of these reads, in their order. Raises what the first of them that fails raises."""
        if not self._threads or len(reads) < 2:
            return [read() for read in reads]
        pool = self._started()
        futures: list[Future[Record]] = [pool.submit(read) for read in reads]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()  # one failed, and what was not begun need not be
            wait(futures)

    def close(self) -> None:
        """End the threads; again is fine."""
        with self._making:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None

    def _started(self) -> ThreadPoolExecutor:
        with self._making:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="store-reads")
            return self._pool

    def __enter__(self) -> Self:
        """These reads themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self.close()
