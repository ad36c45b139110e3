"""Videos that a run's end has to look at: `pending/{workspace}/{what}/{video_id}`, empty, or a run that is at it.

So that nobody reads all manifests to find the few: one that may have lost its last source (`orphan`), and one that was
completed and is to be described (`describe`). A marker is written before what makes it due, and removed after. Beside
them lies the fingerprint of the descriptions with which all manifests were looked at last (`scanned`).
"""

from collections.abc import Iterator, Set
from typing import Literal

from footage.errors import ObjectMissing
from footage.storage import ObjectStore

Due = Literal["orphan", "describe", "scanned"]


class PendingBook:
    """The markers of a workspace."""

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self._store = store
        self._folder = f"pending/{workspace}/"

    def add(self, what: Due, video_id: str) -> None:
        """Mark a video."""
        self._store.put(f"{self._folder}{what}/{video_id}", b"")

    def take(self, what: Due, video_id: str, run_id: str, alive: Set[str]) -> bool:
        """Take what a mark stands for in hand, marking it if it is not; of several runs that live one gets True.

        Args:
            what: is to be done.
            video_id: of the video.
            run_id: of this run.
            alive: runs that give signs of life; what another has in hand may be taken over.
        """
        key, ours = f"{self._folder}{what}/{video_id}", run_id.encode()
        while True:
            try:
                held = self._store.get(key)
            except ObjectMissing:
                if self._store.create(key, ours):
                    return True
                continue
            if held == ours:
                return True
            if held.decode() in alive:
                return False
            if self._store.swap(key, held, ours):
                return True

    def videos(self, what: Due) -> Iterator[str]:
        """The ids of the videos that are marked so, in order."""
        return (key.rpartition("/")[2] for key in self._store.list(f"{self._folder}{what}/"))

    def remove(self, what: Due, video_id: str) -> None:
        """Remove a mark."""
        self._store.delete(f"{self._folder}{what}/{video_id}")
