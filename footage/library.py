"""What a workspace has: videos that are searchable, that a run works on now, and that could not be indexed.

A page is made from listings that begin where the last page ended. Of the store as a whole nothing is read but the names
in the quarantine, which stays small.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Literal, NamedTuple

from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim, RunCounts
from footage.errors import SettingsError
from footage.leases import live_runs
from footage.quarantine import next_step
from footage.sidecar import Manifest, QuarantineRecord
from footage.sources import source_name
from footage.store_reads import StoreReads
from footage.timestamps import has_passed

State = Literal["running", "quarantined", "indexed"]

# In this order, so that a video that is finished while somebody turns the pages is not passed over.
STATES: tuple[State, ...] = ("running", "quarantined", "indexed")
AT_ONCE = 16  # videos that are looked at before more are listed
MOST_LOOKED_AT = 500  # videos for one page: a rare name must not make one request read them all


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A video as the library shows it. One that can be searched is `indexed`, whatever else is the matter with it."""

    state: State
    name: str  # of the file
    source_uris: tuple[str, ...]
    video_id: str | None  # None where the source could not be read
    duration_s: float | None = None
    manifest: Manifest | None = None  # of an indexed one
    run_id: str | None = None  # that works on it, of a running one
    problem: QuarantineRecord | None = None  # of a quarantined one, or of an indexed one that a later run failed on

    def next_step(self, max_attempts: int | None = None) -> str:
        """What to do about the problem, a sentence or two for the user; empty where there is none."""
        if self.problem is None:
            return ""
        return next_step(self.problem.code, self.problem.attempts, max_attempts)


class RunProgress(NamedTuple):
    """A run that gives signs of life, and how far it had come at its last one."""

    run_id: str
    what: str  # the command
    source: str  # what it indexes; empty if it indexes nothing
    host: str
    started_at: str
    counts: RunCounts | None  # None before its sources are listed, and of what is no index run
    dashboard_url: str = ""  # its page on Ray's dashboard, as the run says it; empty where there is none

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1, by bytes; None where that is not known."""
        if self.counts is None or not self.counts.bytes_total:
            return None
        return min(1.0, self.counts.bytes_done / self.counts.bytes_total)


class _Found(NamedTuple):
    """What one step of a listing gave."""

    key: str  # where in the listing of its state; a position to go on from
    entry: LibraryEntry | None  # None: not one of this state


def library_page(
    catalog: Catalog,
    reads: StoreReads,
    now: datetime,
    position: str | None = None,
    limit: int = 50,
    state: State | None = None,
    name: str | None = None,
    dataset: str | None = None,
    most_looked_at: int = MOST_LOOKED_AT,
) -> tuple[list[LibraryEntry], str | None]:
    """A part of the library: running videos, then quarantined ones, then indexed ones; each in order of its id.

    A video that begins or ends to run while somebody turns the pages may come twice.

    Args:
        catalog: of the workspace.
        reads: of its store.
        now: UTC.
        position: where the page before ended, as it was given; None for the first page.
        limit: at most so many.
        state: only those.
        name: only those whose file name has this in it, in whatever case.
        dataset: only those of this set. A running video is in none yet, unless it is indexed.
        most_looked_at: videos, whether they are in the page or not.

    Returns:
        The entries, and the position to go on from: None if nothing follows. A page may have fewer than `limit`
        although something follows, down to none, where `name` is rare.

    Raises:
        SettingsError: that is no position, or no name of a dataset.
        StoreError: the store cannot be used.
    """
    begin, after = _parsed(position)
    asked = [each for each in STATES if state in (None, each) and STATES.index(each) >= STATES.index(begin)]
    shelf = _Shelf(catalog, reads, now, dataset, min(AT_ONCE, limit + 1), asked)
    streams: dict[State, Callable[[str], Iterator[_Found]]] = {
        "running": shelf.running,
        "quarantined": shelf.quarantined,
        "indexed": shelf.indexed,
    }
    found = chain.from_iterable(
        ((each, one) for one in streams[each](after if each == begin else "")) for each in asked
    )
    entries: list[LibraryEntry] = []
    last = None
    for looked_at, (each, one) in enumerate(found):
        if len(entries) == limit or looked_at == most_looked_at:
            return entries, last
        last = f"{each}:{one.key}"
        if one.entry is not None and _is_called(one.entry, name):
            entries.append(one.entry)
    return entries, None


def running_jobs(catalog: Catalog, now: datetime) -> list[RunProgress]:
    """The runs of the workspace that give signs of life, the one that began first first."""
    return [
        RunProgress(
            lease.run_id, lease.what, lease.source, lease.host, lease.started_at, lease.counts, lease.dashboard_url
        )
        for lease in sorted(live_runs(catalog, now), key=lambda lease: (lease.started_at, lease.run_id))
    ]


class _Shelf:
    """The three listings of one page, and what they need of the workspace as a whole, which is read once."""

    def __init__(
        self,
        catalog: Catalog,
        reads: StoreReads,
        now: datetime,
        dataset: str | None,
        at_once: int,
        asked: list[State],
    ) -> None:
        self._catalog = catalog
        self._reads = reads
        self._now = now
        self._dataset = None if dataset is None else identity.check_name("dataset", dataset)
        self._at_once = at_once
        live = live_runs(catalog, now) if asked != ["indexed"] else []
        self._live = frozenset(lease.run_id for lease in live)
        self._in_quarantine = frozenset(catalog.quarantine_ids() if asked != ["running"] else ())

    def running(self, after: str) -> Iterator[_Found]:
        """Videos that a live run has claimed and that cannot be searched yet."""
        ids = self._catalog.claims.ids(after) if self._dataset is None else iter(())
        return self._each(ids, self._running)

    def quarantined(self, after: str) -> Iterator[_Found]:
        """Sources that failed, each once, and whose video cannot be searched."""
        ids = sorted(record_id for record_id in self._in_quarantine if record_id > after)
        return self._each(iter(ids), self._quarantined)

    def indexed(self, after: str) -> Iterator[_Found]:
        """Videos that can be searched."""
        ids = (
            self._catalog.video_ids(after)
            if self._dataset is None
            else self._catalog.datasets.videos(self._dataset, after)
        )
        return self._each(ids, self._indexed)

    def _each(self, ids: Iterator[str], look: Callable[[str], LibraryEntry | None]) -> Iterator[_Found]:
        """What is behind each id, several looked up at a time: each is a few requests where the store is a bucket."""
        while batch := list(islice(ids, self._at_once)):
            yield from map(_Found, batch, self._reads.all([partial(look, id_) for id_ in batch]))

    def _running(self, video_id: str) -> LibraryEntry | None:
        claim = self._catalog.claims.get(video_id)
        if claim is None or not self._is_worked_on(claim) or self._searchable(video_id) is not None:
            return None
        uri, duration_s = claim.source.uri, claim.video.duration_s
        return LibraryEntry("running", source_name(uri), (uri,), video_id, duration_s, run_id=claim.run_id)

    def _quarantined(self, record_id: str) -> LibraryEntry | None:
        record = self._catalog.quarantine_record(record_id)
        if record is None or not self._is_first(record) or not self._is_wanted(record):
            return None
        uri = record.source.uri
        return LibraryEntry("quarantined", source_name(uri), (uri,), record.video_id, problem=record)

    def _indexed(self, video_id: str) -> LibraryEntry | None:
        manifest = self._searchable(video_id)
        if manifest is None:
            return None
        uris = tuple(source.uri for source in manifest.sources)
        problem = next(filter(None, (self._problem(uri, manifest.span_count) for uri in uris)), None)
        duration_s = manifest.video.duration_s
        return LibraryEntry("indexed", source_name(uris[0]), uris, video_id, duration_s, manifest, problem=problem)

    def _searchable(self, video_id: str) -> Manifest | None:
        manifest = self._catalog.manifest(video_id)
        return manifest if manifest is not None and manifest.sources else None

    def _is_first(self, record: QuarantineRecord) -> bool:
        """Whether it stands for its source: that has no record as a whole and none of an earlier span."""
        if record.span_index is None:
            return True
        earlier = (identity.quarantine_id(record.source.uri, index) for index in (None, *range(record.span_index)))
        return self._in_quarantine.isdisjoint(earlier)

    def _is_wanted(self, record: QuarantineRecord) -> bool:
        """Whether it is of the dataset, and of no video that is shown as an indexed one or a running one."""
        if self._dataset not in (None, record.dataset):
            return False
        known = self._catalog.sources.get(record.source.uri)
        for video_id in {record.video_id, known.video_id if known is not None else None} - {None}:
            manifest = self._searchable(video_id or "")
            if manifest is not None and any(held.uri == record.source.uri for held in manifest.sources):
                return False
        claim = self._catalog.claims.get(record.video_id) if record.video_id is not None else None
        return claim is None or not self._is_worked_on(claim)

    def _is_worked_on(self, claim: Claim) -> bool:
        """Whether a run indexes it now; see leases.is_alive, which asks for the lease of each claim."""
        return claim.purpose == "index" and (claim.run_id in self._live or not has_passed(claim.expires_at, self._now))

    def _problem(self, uri: str, span_count: int) -> QuarantineRecord | None:
        if not self._in_quarantine:
            return None
        ids = (identity.quarantine_id(uri, index) for index in (None, *range(span_count)))
        found = next((each for each in ids if each in self._in_quarantine), None)
        return self._catalog.quarantine_record(found) if found is not None else None


def _parsed(position: str | None) -> tuple[State, str]:
    """The state and the key that a position names."""
    if position is None:
        return STATES[0], ""
    begin, _, after = position.partition(":")
    for state in STATES:
        if state == begin and identity.VIDEO_ID.fullmatch(after):
            return state, after
    raise SettingsError(f"{position!r} is no position in the library: take one that a page gave, or none.")


def _is_called(entry: LibraryEntry, name: str | None) -> bool:
    return not name or any(name.casefold() in source_name(uri).casefold() for uri in entry.source_uris)
