"""Which videos belong to which dataset: `datasets/{workspace}/{dataset}/{video_id}`."""

from collections.abc import Iterable, Iterator
from functools import partial

from footage import identity
from footage.catalog_records import Reference
from footage.errors import ObjectMissing
from footage.record_json import from_json, to_json
from footage.storage import ObjectStore
from footage.store_reads import StoreReads


class DatasetBook:
    """References of the datasets of a workspace to its videos. A video may be in any number of them.

    A name that cannot be one is a SettingsError.
    """

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self._store = store
        self._folder = f"datasets/{workspace}/"

    def names(self) -> Iterator[str]:
        """The datasets that have videos."""
        return self._store.folders(self._folder)

    def videos(self, dataset: str, after: str = "") -> Iterator[str]:
        """The ids of a dataset's videos, in order; of later ones than `after`."""
        keys = self._store.list(self._of(dataset), self._key(dataset, after) if after else "")
        return (key.rpartition("/")[2] for key in keys)

    def members(self, dataset: str, video_ids: Iterable[str], reads: StoreReads) -> list[str]:
        """Which of these videos are in a dataset, each once, without a look at its others; what is no id is not."""
        named = [video_id for video_id in dict.fromkeys(video_ids) if identity.VIDEO_ID.fullmatch(video_id)]
        keys = [self._key(dataset, video_id) for video_id in named]
        held = reads.all([partial(self._store.exists, key) for key in keys])
        return [video_id for video_id, is_member in zip(named, held, strict=True) if is_member]

    def get(self, dataset: str, video_id: str) -> Reference | None:
        """How a video came into a dataset; None if it is not in it."""
        key = self._key(dataset, video_id)
        try:
            return _reference(key, self._store.get(key))
        except ObjectMissing:
            return None

    def add(self, dataset: str, video_id: str, uri: str | None) -> None:
        """Put a video into a dataset, on account of a source, or by name (None), however many processes do so."""
        key = self._key(dataset, video_id)
        while True:
            try:
                old = self._store.get(key)
            except ObjectMissing:
                if self._store.create(key, to_json(_with(Reference(), uri))):
                    return
                continue
            held = _reference(key, old)
            new = _with(held, uri)
            if new == held or self._store.swap(key, old, to_json(new)):
                return

    def remove(self, dataset: str, video_id: str) -> None:
        """Take a video out of a dataset."""
        self._store.delete(self._key(dataset, video_id))

    def remove_source(self, dataset: str, video_id: str, uri: str) -> bool:
        """Take back that a source put a video into a dataset; True if that took the video out of it.

        One that was put there by name as well, or by another source, stays.
        """
        key = self._key(dataset, video_id)
        while True:
            try:
                old = self._store.get(key)
            except ObjectMissing:
                return False
            held = _reference(key, old)
            if uri not in held.uris:
                return False
            new = held.model_copy(update={"uris": [other for other in held.uris if other != uri]})
            if not new.uris and not new.by_name:
                self._store.delete(key)
                return True
            if self._store.swap(key, old, to_json(new)):
                return False

    def of_video(self, video_id: str) -> list[str]:
        """The datasets that a video is in, in order."""
        return [dataset for dataset in self.names() if self._store.exists(self._key(dataset, video_id))]

    def _of(self, dataset: str) -> str:
        return f"{self._folder}{identity.check_name('dataset', dataset)}/"

    def _key(self, dataset: str, video_id: str) -> str:
        return self._of(dataset) + video_id


def _reference(key: str, data: bytes) -> Reference:
    return from_json(key, data, Reference) if data else Reference()  # earlier versions wrote empty ones


def _with(held: Reference, uri: str | None) -> Reference:
    if uri is None:
        return held.model_copy(update={"by_name": True})
    return held.model_copy(update={"uris": sorted({*held.uris, uri})})
