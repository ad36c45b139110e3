"""Looks through a workspace for what is out of order: `footage gc`.

Nothing is changed here; mending.py does that. What a live run works on is passed over, and so is what is younger than
a grace time, since a run that was stopped goes on with what it left. Memory does not follow the number of videos: the
listings of the store are walked side by side, and the index page by page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.completion import UNFIT
from footage.deletion import IsPresent, judge, name_of, present_source
from footage.erasing import REMOVED
from footage.findings import Finding, check_datasets, check_parts, parts_of
from footage.id_filter import IdFilter
from footage.identity import uri_hash
from footage.index import VectorIndex
from footage.index_records import StoredPoint
from footage.leases import is_alive
from footage.originals import is_cut_off, originals_folder
from footage.shelf import Shelf, shelf_of, shelves
from footage.sidecar import Manifest
from footage.source_book import known_source
from footage.timestamps import has_passed
from footage.video_points import points_of, videos_with_points

PAGE_VIDEOS = 32  # whose points are asked of the index at once ...
PAGE_SCENES = 5000  # ... or fewer, if they are long: a point takes about 1 KiB here
PAGE_RECORDS = 256  # of sources: their videos' manifests are read once a page
_ENDS = frozenset({"gone", "half_deleted"})  # what is mended by removing the video, and its claim with it


@dataclass(frozen=True)
class Inspector:
    """Looks at one workspace, once.

    Args:
        catalog: of the workspace.
        index: holds its points.
        is_present: whether a source is there; see Deleter.
        now: the time, UTC.
        grace_s: how long what a run left behind may still be gone on with.
        run_id: of this process; its own claims do not keep it off.
    """

    catalog: Catalog
    index: VectorIndex
    is_present: IsPresent
    now: datetime
    grace_s: float
    run_id: str = ""

    def find(self) -> Iterator[Finding]:
        """All that is out of order, as it is come upon.

        Raises:
            StoreUnavailable: it cannot be told whether a source is there.
        """
        videos = IdFilter()
        yield from self._in_the_store(videos)
        yield from self._in_the_index_only(videos)
        yield from self._source_records()
        yield from self._originals()
        yield from self._leases()

    def look_at(self, video_id: str) -> list[Finding]:
        """What is out of order about one video now, in the order in which it is mended."""
        points = points_of(self.index, self.catalog.workspace, [video_id])[video_id]
        return self._findings(shelf_of(self.catalog, video_id), points)

    def _in_the_store(self, videos: IdFilter) -> Iterator[Finding]:
        for page in _pages(shelves(self.catalog)):
            points = points_of(self.index, self.catalog.workspace, [shelf.video_id for shelf in page])
            for shelf in page:
                videos.add(shelf.video_id)
                if self._findings(shelf, points[shelf.video_id]):
                    # The listings may be of different moments: what counts is how it is now.
                    yield from self.look_at(shelf.video_id)

    def _in_the_index_only(self, videos: IdFilter) -> Iterator[Finding]:
        for video_id in videos_with_points(self.index, self.catalog.workspace):
            if video_id not in videos:
                videos.add(video_id)
                yield from self.look_at(video_id)

    def _findings(self, shelf: Shelf, points: Sequence[StoredPoint]) -> list[Finding]:
        claim = self.catalog.claims.get(shelf.video_id) if shelf.is_claimed else None
        if claim is not None and self._is_in_hand(claim):
            return []
        # Read after the claim, and whatever the listing said: a run writes the one before it gives back the other.
        manifest = self.catalog.manifest(shelf.video_id)
        if manifest is None:
            return self._without_manifest(shelf, points)
        found = self._of_manifest(shelf, manifest, points)
        if claim is not None and not any(finding.kind in _ENDS for finding in found):
            found.append(Finding("claim", shelf.video_id, f"Run {claim.run_id} left its claim behind."))
        return [replace(finding, name=name_of(manifest)) for finding in found]

    def _of_manifest(self, shelf: Shelf, manifest: Manifest, points: Sequence[StoredPoint]) -> list[Finding]:
        if manifest.pipeline_fingerprint == REMOVED:
            return [Finding("half_deleted", shelf.video_id, "A deletion of it was cut off.")]
        if not shelf.datasets:
            verdict = judge(present_source(manifest, self.is_present), [])
            if verdict.action == "delete":
                return [Finding("gone", shelf.video_id, verdict.why)]
        found = check_datasets(manifest, shelf)
        waits = manifest.pipeline_fingerprint == UNFIT and not self._is_recorded(manifest)
        found += check_parts(manifest, parts_of(shelf, manifest, points, self.before), waits)
        if manifest.sources and shelf.marks.get("orphan", self.before) < self.before:
            found.append(Finding("mark", shelf.video_id, "It is marked as one without a source, and has one."))
        return found

    def _without_manifest(self, shelf: Shelf, points: Sequence[StoredPoint]) -> list[Finding]:
        counts = (
            (len(points), "points"),
            (len(shelf.sidecars), "sidecars"),
            (len(shelf.thumbnails), "thumbnails"),
            (len(shelf.spans), "span records"),
            (len(shelf.datasets), "references"),
            (len(shelf.marks), "marks"),
            (int(shelf.is_claimed), "claim"),
        )
        what = ", ".join(f"{name} ({count})" for count, name in counts if count)
        if not what or shelf.written_at >= self.before:
            return []
        return [Finding("leftovers", shelf.video_id, f"There is no such video, but this is left of it: {what}.")]

    def _source_records(self) -> Iterator[Finding]:
        entries = self.catalog.store.entries(f"sources/{self.catalog.workspace}/")
        while page := list(islice(entries, PAGE_RECORDS)):
            named: dict[str, set[str]] = {}
            for entry in page:
                known = known_source(entry.key)
                if known is None or entry.modified_at >= self.before:
                    continue
                video_id = known.video_id
                if video_id not in named:
                    manifest = self.catalog.manifest(video_id)
                    sources = manifest.sources if manifest is not None else []
                    named[video_id] = {uri_hash(source.uri) for source in sources}
                if known.uri_hash not in named[video_id]:
                    why = f"It says that video {video_id} has a source, and the video does not."
                    yield Finding("source_record", entry.key, why)

    def _originals(self) -> Iterator[Finding]:
        for entry in self.catalog.store.entries(originals_folder(self.catalog)):
            if entry.modified_at < self.before and is_cut_off(self.catalog, entry.key):
                yield Finding("original", entry.key, "The deletion of an original was begun and not ended.")

    def _leases(self) -> Iterator[Finding]:
        for lease in self.catalog.leases.all():
            if has_passed(lease.expires_at, self.now - timedelta(seconds=self.grace_s)):
                yield Finding("lease", lease.run_id, f"`{lease.what}` on {lease.host} gave no sign of life any more.")

    def _is_recorded(self, manifest: Manifest) -> bool:
        """Whether a run would pass over a source of this video, taking it for indexed."""
        records = (self.catalog.sources.get(source.uri) for source in manifest.sources)
        return any(record is not None and record.video_id == manifest.video_id for record in records)

    def _is_in_hand(self, claim: Claim) -> bool:
        """Whether another works on a video, or the next run may go on where a dead one stopped.

        Nobody but gc goes on with a deletion.
        """
        if self.run_id and claim.run_id == self.run_id:
            return False
        taken = datetime.fromisoformat(claim.expires_at or claim.claimed_at).timestamp()
        may_go_on = claim.purpose == "index" and taken >= self.before
        return may_go_on or is_alive(self.catalog, claim, self.now)

    @property
    def before(self) -> float:
        """What is as old as this, POSIX seconds, is no longer gone on with."""
        return self.now.timestamp() - self.grace_s


def _pages(walk: Iterator[Shelf]) -> Iterator[list[Shelf]]:
    """A few videos at a time."""
    page: list[Shelf] = []
    for shelf in walk:
        page.append(shelf)
        if len(page) == PAGE_VIDEOS or sum(len(one.sidecars) for one in page) >= PAGE_SCENES:
            yield page
            page = []
    if page:
        yield page
