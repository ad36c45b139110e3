"""Which sources are indexed: `sources/{workspace}/{hhh}/{uri_hash}.{state}.{video_id}.json`.

The key says in which state and by which pipeline a source was indexed (identity.source_state), so that a source which
is as it was costs one entry of a listing and nothing is read. Folders (`hhh`, the first digits of the hash) keep a
listing of one source short.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from footage import identity
from footage.catalog_records import SourceRecord
from footage.record_store import all_records, get_record, put_record
from footage.storage import ObjectStore

# The last part of a key. Earlier versions had others: those count for nothing.
KEY = re.compile(r"([0-9a-f]{32})\.([0-9a-z]+)\.([0-9a-f-]{36})\.json")
EXPECTED = "expected"  # in place of a state: no pipeline has it


class KnownSource(NamedTuple):
    """What the key of a source's record says."""

    uri_hash: str  # identity.uri_hash
    state: str  # identity.source_state
    video_id: str


class SourceBook:
    """The records of a workspace's indexed sources.

    A source that has several keys, since a writer is about to change its record or died over that, counts as unknown:
    it is read once more. Until then they tell together which videos may name it.
    """

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self._store = store
        self._folder = f"sources/{workspace}/"

    def get(self, uri: str) -> SourceRecord | None:
        """What was recorded when this source was last indexed; None if there is no one record of it."""
        found = self._known(uri)
        if len(found) != 1 or EXPECTED in (known.state for known in found.values()):
            return None
        return get_record(self._store, next(iter(found)), SourceRecord)

    def expect(self, record: SourceRecord) -> None:
        """Say that a source is about to be recorded. Called before the video's manifest names it.

        So a source is found that a manifest came to name just before its writer died, even if it has other content
        again by the next run.
        """
        put_record(self._store, self._key(record, EXPECTED), record)

    def put(self, record: SourceRecord) -> None:
        """Record that a source, in its state, needs no reading again, in place of other records of it."""
        source = record.source
        key = self._key(record, identity.source_state(source.etag, source.size_bytes, record.pipeline_fingerprint))
        put_record(self._store, key, record)
        self._store.delete_all(old for old in list(self._store.list(self._stem(source.uri))) if old != key)

    def forget(self, uri: str, video_id: str) -> None:
        """Remove what says that a source is one of this video; what says so of another stays."""
        self._store.delete_all(key for key, known in self._known(uri).items() if known.video_id == video_id)

    def doubt(self, uri: str) -> None:
        """Have a source read again when it is met, without forgetting which video names it.

        Should it hold another by then, that video has to lose it.
        """
        for record in self.of(uri):
            self.expect(record)

    def known(self) -> Iterator[KnownSource]:
        """What every key says, by the hash of the URI, from the listing alone.

        A source of which there are several in a row, or whose state is EXPECTED, is unknown.
        """
        keys = self._store.list(self._folder)
        return (known for key in keys if (known := known_source(key)) is not None)

    def known_of(self, uri: str) -> Iterator[KnownSource]:
        """What known() gives of one source."""
        yield from self._known(uri).values()

    def of(self, uri: str) -> list[SourceRecord]:
        """All records of a source, the expected ones too: one, but for a moment and after a crash."""
        return list(all_records(self._store, self._stem(uri), SourceRecord))

    def videos_of(self, uri: str) -> set[str]:
        """The ids of the videos that the records of a source name."""
        return {known.video_id for known in self._known(uri).values()}

    def _known(self, uri: str) -> dict[str, KnownSource]:
        """What the keys of a source's records say, by key."""
        keys = self._store.list(self._stem(uri))
        return {key: known for key in keys if (known := known_source(key)) is not None}

    def _stem(self, uri: str) -> str:
        hashed = identity.uri_hash(uri)
        return f"{self._folder}{hashed[:3]}/{hashed}."

    def _key(self, record: SourceRecord, state: str) -> str:
        return f"{self._stem(record.source.uri)}{state}.{record.video_id}.json"


def known_source(key: str) -> KnownSource | None:
    """What the key of a record says; None if it is not that of one."""
    match = KEY.fullmatch(key.rpartition("/")[2])
    return KnownSource(*match.groups()) if match is not None else None
