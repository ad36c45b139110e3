"""A source that is looked at again and again: what of it is new, without reading each time what the store knows."""

import contextlib
from collections.abc import Iterable, Iterator

from footage import identity
from footage.catalog import Catalog
from footage.errors import NothingThere
from footage.quarantine import was_tried
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.seen_sources import SeenSources, SourcePile
from footage.settings import Settings
from footage.settling import Settling
from footage.sources import list_sources
from pipelines.index_request import IndexRequest
from pipelines.run_sources import failed_sources, is_indexed

# So many new sources are looked up one by one before a run is started: another watch may have done them. Of more, some
# are certainly to do, and the run finds out which.
LOOKED_UP = 32


class WatchedSource:
    """For one thread."""

    def __init__(self, request: IndexRequest, settings: Settings, catalog: Catalog, fingerprint: str) -> None:
        """Look at the request's source, which is not None, on behalf of the pipeline of this fingerprint."""
        assert request.source is not None
        self.address = request.source
        self.access = RemoteAccess.of(settings)
        self._dataset = request.dataset
        self._catalog = catalog
        self._fingerprint = fingerprint
        self._seen = SeenSources(fingerprint)
        self._settling = Settling(settings.watch.settle_s)

    @property
    def known(self) -> int:
        """How many sources are accounted for."""
        return len(self._seen)

    @property
    def settling(self) -> int:
        """How many files were still being written at the last look."""
        return self._settling.waiting

    def learn(self) -> None:
        """Read from the store what is known, in place of what was known here."""
        known = self._catalog.sources.known()
        if self._dataset is not None:  # what the set has not got is to come to a run, which adds it
            members = set(self._catalog.datasets.videos(self._dataset))
            known = (source for source in known if source.video_id in members)
        self._seen.load(known, failed_sources(self._catalog, self._fingerprint))

    def listed(self, now_s: float) -> SourcePile:
        """What a listing has that is not accounted for, without files that are still being written.

        Args:
            now_s: POSIX seconds.
        """
        with contextlib.closing(SourcePile(self._unseen(_listing(self.address, self.access)))) as unseen:
            return self._left(SourcePile(self._settling.settled(unseen, now_s)))

    def told(self, sources: Iterable[Source]) -> SourcePile:
        """Those of these that are not accounted for."""
        return self._left(SourcePile(self._unseen(sources)))

    def account(self, sources: Iterable[Source]) -> None:
        """These are searchable, or in quarantine."""
        self._seen.add(sources)

    def _unseen(self, sources: Iterable[Source]) -> Iterator[Source]:
        return self._seen.unseen(sources)

    def _left(self, pile: SourcePile) -> SourcePile:
        """What other runs have not done meanwhile, where that is quickly found out."""
        if len(pile) > LOOKED_UP:
            return pile
        with contextlib.closing(pile):
            done = [source for source in pile if self._is_done(source)]
            self._seen.add(done)
            return SourcePile(source for source in pile if source not in done)

    def _is_done(self, source: Source) -> bool:
        record = self._catalog.quarantine_record(identity.quarantine_id(source.uri, None))
        if record is not None and was_tried(record) and record.pipeline_fingerprint == self._fingerprint:
            failed = record.source
            if (failed.etag, failed.size_bytes) == (source.etag, source.size_bytes):
                return True
        if not is_indexed(self._catalog, self._fingerprint, source):
            return False
        return self._dataset is None or any(
            self._catalog.datasets.get(self._dataset, video_id)
            for video_id in self._catalog.sources.videos_of(source.uri)
        )


def _listing(address: str, access: RemoteAccess) -> Iterator[Source]:
    with contextlib.suppress(NothingThere):  # it will be there when something has arrived
        yield from list_sources(address, access)
