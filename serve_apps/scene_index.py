"""The one process of the service that has the embedded index, and the VectorIndex that asks it."""

import contextlib
import dataclasses
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from footage.errors import IndexBusy
from footage.index_calls import IndexCalls
from footage.index_records import IndexHit, IndexSpec, SceneFilter, VectorQuery
from footage.shared_index import SharedIndex
from serve_apps.replica_calls import Ask, ReplicaCall

_FIELDS = attrgetter(*(field.name for field in dataclasses.fields(IndexHit)))


class SceneIndex:
    """A deployment of one process. Dead, it is started again and loads the index, whose log has all it confirmed.

    While another program owns the index (a run that began first), it passes on what it is asked.
    """

    def __init__(self, path: Path, spec: IndexSpec, patience_s: float) -> None:
        self._closing = contextlib.ExitStack()  # first: __del__ is called too if what follows fails
        self._index = SharedIndex(path, spec, "footage serve", patience_s, create=False)
        self._closing.callback(self._index.close)

    def call(self, method: str, *arguments: Any) -> Any:
        """What a method of VectorIndex gives."""
        return self._index.call(method, *arguments)

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[tuple[Any, ...]]]:
        """VectorIndex.search, of each hit the fields: 400 hits are packed and unpacked in 1 ms so, and else in 5."""
        return [list(map(_FIELDS, hits)) for hits in self._index.search(queries, where, limit)]

    def __del__(self) -> None:
        """Called by Serve after the last request: the next process gets the index at once."""
        self._closing.close()


class ServedIndex(IndexCalls):
    """A VectorIndex over that deployment. Any number of threads may call it."""

    def __init__(self, handle: Any, within_s: float) -> None:
        """Take the handle of SceneIndex, and how many seconds an answer may take."""
        self._handle = handle
        self._within_s = within_s

    def call(self, method: str, *arguments: Any) -> Any:
        """See IndexCalls.

        Raises:
            IndexBusy: the index does not answer in time.
        """
        return self._result(lambda: self._handle.call.remote(method, *arguments))

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex."""
        answers = self._result(lambda: self._handle.search.remote(list(queries), where, limit))
        return [[IndexHit(*fields) for fields in hits] for hits in answers]

    def close(self) -> None:
        """Nothing to give back: the index belongs to the deployment."""

    def _result(self, ask: Ask) -> Any:
        return ReplicaCall(ask, self._within_s, lambda reason: IndexBusy(f"The index {reason}; try again.")).result()
