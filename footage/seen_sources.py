"""In which state each source of a watch was accounted for, and piles of sources: on disk, not in memory."""

from collections.abc import Collection, Iterable, Iterator

from footage import identity
from footage.plan_database import as_bytes, as_text, plan_database, room_needed
from footage.records import Source
from footage.sidecar import StoredSource
from footage.source_book import KnownSource

_SEEN = "CREATE TABLE seen (uri_hash TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID"
_PILE = "CREATE TABLE pile (uri BLOB, etag BLOB, size_bytes INTEGER)"
_REMEMBER = "INSERT OR REPLACE INTO seen VALUES (?, ?)"


class SeenSources:
    """One state of each source that was indexed, or went into quarantine. To be used by one thread.

    It may lack what another process has done, so what is unseen may be done all the same.
    """

    def __init__(self, fingerprint: str) -> None:
        """Nothing is seen yet; `fingerprint` is of the pipeline, of which states are."""
        self._fingerprint = fingerprint
        self._database = plan_database(_SEEN)

    def __len__(self) -> int:
        """How many sources are seen."""
        (count,) = self._database.execute("SELECT count(*) FROM seen").fetchone()
        return int(count)

    def load(self, known: Iterable[KnownSource], failed: Iterable[StoredSource]) -> None:
        """Take in what the store knows, in place of all before."""
        with room_needed():
            self._database.execute("DELETE FROM seen")
            # of a source that has two records nothing is known: it is to be read again
            twice = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO UPDATE SET state = ''"
            self._database.executemany(twice, ((source.uri_hash, source.state) for source in known))
            self._database.executemany(_REMEMBER, map(self._row, failed))

    def add(self, sources: Iterable[Source]) -> None:
        """These are accounted for, in the state that they have here."""
        with room_needed():
            self._database.executemany(_REMEMBER, map(self._row, sources))

    def unseen(self, sources: Iterable[Source]) -> Iterator[Source]:
        """Those that are new, or in another state than the one they were seen in."""
        for source in sources:
            uri_hash, state = self._row(source)
            seen = self._database.execute("SELECT state FROM seen WHERE uri_hash = ?", (uri_hash,)).fetchone()
            if seen != (state,):
                yield source

    def close(self) -> None:
        """Give the room back."""
        self._database.close()

    def _row(self, source: Source | StoredSource) -> tuple[str, str]:
        state = identity.source_state(source.etag, source.size_bytes, self._fingerprint)
        return identity.uri_hash(source.uri), state


class SourcePile(Collection[Source]):
    """Sources in the order in which they were added, on disk until the pile is closed."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._database = plan_database(_PILE)
        rows = ((as_bytes(source.uri), as_bytes(source.etag), source.size_bytes) for source in sources)
        with room_needed():
            self._database.executemany("INSERT INTO pile VALUES (?, ?, ?)", rows)

    def __len__(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM pile").fetchone()
        return int(count)

    def __iter__(self) -> Iterator[Source]:
        for uri, etag, size_bytes in self._database.execute("SELECT * FROM pile ORDER BY rowid"):
            yield Source(as_text(uri), as_text(etag), size_bytes)

    def __contains__(self, source: object) -> bool:
        return any(each == source for each in self)

    def close(self) -> None:
        """Give the room back."""
        self._database.close()
