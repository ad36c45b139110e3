"""What a run is to do with each listed source, kept on disk, so that memory does not follow their number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Self

from footage import identity
from footage.plan_database import as_bytes, as_text, plan_database, room_needed
from footage.records import Source
from footage.sidecar import StoredSource
from footage.source_book import EXPECTED, KnownSource

_SCHEMA = """
CREATE TABLE known (uri_hash TEXT PRIMARY KEY, state TEXT, video_id TEXT) WITHOUT ROWID;
CREATE TABLE failed (uri_hash TEXT, state TEXT, PRIMARY KEY (uri_hash, state)) WITHOUT ROWID;
CREATE TABLE member (video_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE to_do (uri BLOB, etag BLOB, size_bytes INTEGER);
CREATE TABLE to_reference (uri BLOB, video_id TEXT);
CREATE TABLE concern (uri_hash TEXT);
"""
_TWICE = ""  # state of a source that has several records: it is none that a source can be in


@dataclass(slots=True)
class PlanCounts:
    """Sources, by what is to happen to them; found = skipped + in_quarantine + to_do + left_out."""

    found: int = 0
    skipped: int = 0  # indexed before, unchanged
    in_quarantine: int = 0  # failed before, unchanged: only `footage retry` tries them again
    to_do: int = 0
    left_out: int = 0  # never indexed, where only what was is to be done again
    to_reference: int = 0  # of those skipped: the dataset has not got their video yet
    bytes_to_do: int = 0  # size of all that is to be done


class SourcePlan:
    """The plan of one run, in a temporary database, which is gone when it is closed or the process ends.

    To be used by one thread. Every method raises StoreError where there is no room for it.
    """

    def __init__(
        self,
        fingerprint: str,
        known: Iterable[KnownSource] = (),
        failed: Iterable[StoredSource] = (),
        in_dataset: Iterable[str] | None = None,
        only_known: bool = False,
    ) -> None:
        """Take in what is known before anything is listed.

        Args:
            fingerprint: of the pipeline.
            known: of the catalog's SourceBook; a source that is in it twice has to be read again.
            failed: the states in which sources failed with this pipeline and are not tried again.
            in_dataset: videos of the dataset that the run adds videos to; None if there is none.
            only_known: leave out what no pipeline has indexed.
        """
        self._fingerprint = fingerprint
        self._references = in_dataset is not None
        self._only_known = only_known
        self.counts = PlanCounts()  # of all that was added
        self._concerns_sorted = False
        with room_needed():
            self._database = plan_database(_SCHEMA)
            self._database.executemany(
                "INSERT INTO known VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = ?",
                ((*source, _TWICE) for source in known),
            )
            self._database.executemany(
                "INSERT OR IGNORE INTO failed VALUES (?, ?)",
                ((identity.uri_hash(source.uri), self._state(source)) for source in failed),
            )
            self._database.executemany("INSERT OR IGNORE INTO member VALUES (?)", ((id_,) for id_ in in_dataset or ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back; again is fine."""
        self._database.close()

    def add(self, sources: Iterable[Source]) -> None:
        """Plan what was listed. Each source is to be added once."""
        with room_needed():
            for source in sources:
                self._add(source)

    def tranches(self, size: int) -> Iterator[list[Source]]:
        """What is to be done, so many at once. One small video first: something is searchable early. Then, over all
        tranches, the largest first: none of them makes a tail. The first is no empty source if there is another one.
        """
        with room_needed():
            first = self._database.execute(
                "SELECT rowid FROM to_do ORDER BY size_bytes = 0, size_bytes, uri LIMIT 1"
            ).fetchone()
            if first is None:
                return
            columns = "SELECT uri, etag, size_bytes FROM to_do WHERE"
            rows = chain(
                self._database.execute(f"{columns} rowid = ?", first),
                self._database.execute(f"{columns} rowid != ? ORDER BY size_bytes DESC, uri DESC", first),
            )
            sources = (Source(as_text(uri), as_text(etag), size_bytes) for uri, etag, size_bytes in rows)
            while tranche := list(islice(sources, size)):
                yield tranche

    def to_reference(self) -> Iterator[tuple[str, str]]:
        """URI and video id of each skipped source whose video the dataset has not got yet."""
        with room_needed():
            for uri, video_id in self._database.execute("SELECT uri, video_id FROM to_reference ORDER BY rowid"):
                yield as_text(uri), video_id

    def concerns(self, uri: str) -> bool:
        """Whether a source is to be done, or was found in quarantine and stays there."""
        with room_needed():
            if not self._concerns_sorted:
                self._database.execute("CREATE INDEX concern_by_hash ON concern (uri_hash)")
                self._concerns_sorted = True
            found = self._database.execute("SELECT 1 FROM concern WHERE uri_hash = ?", (identity.uri_hash(uri),))
            return found.fetchone() is not None

    def _add(self, source: Source) -> None:
        execute, counts = self._database.execute, self.counts
        uri_hash, state = identity.uri_hash(source.uri), self._state(source)
        known = execute("SELECT state, video_id FROM known WHERE uri_hash = ?", (uri_hash,)).fetchone()
        known_state, video_id = known or (EXPECTED, "")
        counts.found += 1
        if known_state == state:
            counts.skipped += 1
            if self._references and not self._has("member", "video_id = ?", video_id):
                counts.to_reference += 1
                execute("INSERT INTO to_reference VALUES (?, ?)", (as_bytes(source.uri), video_id))
        elif self._has("failed", "uri_hash = ? AND state = ?", uri_hash, state):
            counts.in_quarantine += 1
            execute("INSERT INTO concern VALUES (?)", (uri_hash,))
        elif self._only_known and known_state == EXPECTED:
            counts.left_out += 1
        else:
            counts.to_do += 1
            counts.bytes_to_do += source.size_bytes
            execute("INSERT INTO concern VALUES (?)", (uri_hash,))
            execute(
                "INSERT INTO to_do VALUES (?, ?, ?)", (as_bytes(source.uri), as_bytes(source.etag), source.size_bytes)
            )

    def _has(self, table: str, where: str, *values: str) -> bool:
        return self._database.execute(f"SELECT 1 FROM {table} WHERE {where}", values).fetchone() is not None

    def _state(self, source: Source | StoredSource) -> str:
        return identity.source_state(source.etag, source.size_bytes, self._fingerprint)
