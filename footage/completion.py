"""The end of a video: all its spans are written, so it becomes one searchable whole.

The order matters, since the writer may be killed after any step, or sleep there while another run takes the video over:
the claim is confirmed, sidecars are right, then the points are live (and those of an older pipeline gone), then the
manifest says so, then sources and datasets follow. Every step may be done again, and until the manifest is there, all
of them are.

A writer that comes back late cannot spoil what its successor made: its records go over nothing that a later owner wrote
(record_store.put_record_while), and points and manifests of a later generation do not give way to its own. Files of
scenes that only the older pipeline found are left to gc, since a removal that comes late could take what a successor
wrote under the same key.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim, SourceRecord
from footage.claiming import confirm_claim, release_claim
from footage.errors import ObjectMissing
from footage.index import VectorIndex
from footage.record_json import from_json, to_json
from footage.sidecar import Manifest, Sidecar, SpanRecord, StoredSource, StoredSpan
from footage.timestamps import utc_now
from footage.video_points import points_of

UNFIT = "unfit"  # a fingerprint that no pipeline has: searchable as far as it goes, and indexed anew when it is met
SIDECARS_AT_ONCE = 64  # read before the claim is asked for: some MB at most

Completion = Literal["complete", "elsewhere", "incomplete"]


def counts(record: SpanRecord, claim: Claim) -> bool:
    """Whether a span's record is of the claim's pipeline, and from a time since which nobody removed its points."""
    return record.pipeline_fingerprint == claim.pipeline_fingerprint and record.claim_generation >= claim.resumes_from


def spans_of_plan(catalog: Catalog, claim: Claim) -> list[SpanRecord] | None:
    """The records of all planned spans in order, or None while one is missing, or is of another plan or pipeline."""
    if not catalog.span_indices(claim.video_id) >= {span.index for span in claim.spans}:
        return None
    records = []
    for span in claim.spans:
        record = catalog.span_record(claim.video_id, span.index)
        if record is None or record.span != span or not counts(record, claim):
            return None
        records.append(record)
    return records


def spans_left(catalog: Catalog, claim: Claim) -> list[StoredSpan]:
    """The planned spans without a record that counts, whoever made it."""
    done = {record.span for record in catalog.span_records(claim.video_id) if counts(record, claim)}
    return [span for span in claim.spans if span not in done]


@dataclass(frozen=True)
class Completer:
    """Makes videos searchable.

    Args:
        catalog: of the workspace.
        index: holds the points of all spans.
        components: what Manifest.components says.
        lease_s: how long a claim holds from its confirmation on.
        describes: whether the run describes its videos afterwards.
    """

    catalog: Catalog
    index: VectorIndex
    components: Mapping[str, str] = field(default_factory=dict)
    lease_s: float = 60
    describes: bool = False

    def complete(self, claim: Claim, spans: list[SpanRecord], dataset: str | None) -> Completion:
        """Make a video searchable.

        Args:
            claim: the plan and the source that was read.
            spans: the records of all planned spans, in order.
            dataset: the dataset that the run adds videos to.

        Returns:
            `elsewhere` if another run has the video by now, and `incomplete` if files or points of a span are not there
            though it is recorded: its record is removed, so that it is done again.
        """
        catalog, video_id = self.catalog, claim.video_id
        made = self._manifest(claim, spans, dataset)
        older = catalog.manifest(video_id)
        confirmed = confirm_claim(catalog, claim, self.lease_s)
        if confirmed is None or not _number(catalog, confirmed, spans):
            return "elsewhere"
        if lacking := self._lacking(made, live=False):
            for span in spans:
                if not lacking.isdisjoint(scene.scene_id for scene in span.scenes):
                    catalog.delete_span(video_id, span.span.index)
            return "incomplete"
        self.index.publish(catalog.workspace, video_id, made.pipeline_fingerprint, made.claim_generation)
        if self._without_point(made, live=True):
            return "elsewhere"  # who removed its points just now has it
        if self.describes:
            catalog.pending.add("describe", video_id)
        catalog.expect_source(video_id, claim.source, made.pipeline_fingerprint, claim.claimed_at)
        self._doubt_copies(made, older.sources if older is not None else [])
        written = self._write(made, older, dataset)
        if written is None:
            return "elsewhere"
        self._doubt_copies(made, written.sources)  # again, as a copy may have been added in between
        catalog.record_source(video_id, claim.source, made.pipeline_fingerprint, dataset, claim.claimed_at)
        catalog.delete_quarantine_record(identity.quarantine_id(claim.source.uri, None))  # spans' went with each span
        if not release_claim(catalog, confirmed):
            self._take_back(made)
        return "complete"

    def _manifest(self, claim: Claim, spans: list[SpanRecord], dataset: str | None) -> Manifest:
        words: Counter[str] = Counter()
        for span in spans:
            words.update(span.words_by_language)
        return Manifest(
            workspace=self.catalog.workspace,
            video_id=claim.video_id,
            sha256=claim.sha256,
            video=claim.video,
            sources=[claim.source],
            datasets=[] if dataset is None else [dataset],
            language=most_spoken(words),
            span_count=len(claim.spans),
            scenes=[scene for span in spans for scene in span.scenes],
            pipeline_fingerprint=claim.pipeline_fingerprint,
            components=dict(self.components),
            claim_generation=claim.generation,
            run_id=claim.run_id,
            committed_at=utc_now(),
        )

    def _write(self, made: Manifest, older: Manifest | None, dataset: str | None) -> Manifest | None:
        """Write the manifest; None if that of a later generation is there, or an older one was deleted meanwhile."""
        if older is None and self.catalog.create_manifest(made):
            return made
        held = self.catalog.change_manifest(made.video_id, lambda held: _succeed(held, made, dataset))
        return held if held is not None and held.pipeline_fingerprint == made.pipeline_fingerprint else None

    def _lacking(self, made: Manifest, live: bool) -> set[str]:
        """The scenes that lack a sidecar, a thumbnail or a point (a live one, if so asked)."""
        scenes = {scene.scene_id for scene in made.scenes}
        return self._without_point(made, live) | (scenes - self.catalog.complete_scenes(made.video_id))

    def _without_point(self, made: Manifest, live: bool) -> set[str]:
        if not made.scenes:
            return set()
        found = {
            stored.point.scene_id
            for stored in points_of(self.index, made.workspace, [made.video_id])[made.video_id]
            if stored.point.generation == made.pipeline_fingerprint and (stored.live or not live)
        }
        return {scene.scene_id for scene in made.scenes} - found

    def _doubt_copies(self, made: Manifest, sources: Iterable[StoredSource]) -> None:
        """Other sources of a video that was indexed anew say with which pipeline: they are read again, once."""
        for source in sources:
            if source.uri == made.sources[0].uri:
                continue
            record = self.catalog.sources.get(source.uri)
            if record is not None and _is_older(record, made):
                self.catalog.sources.doubt(source.uri)

    def _take_back(self, made: Manifest) -> None:
        """The claim was lost before the end: what its new owner removed must not be left in a manifest of ours."""
        if not self._lacking(made, live=True):
            return
        held = self.catalog.change_manifest(made.video_id, lambda held: _unfit(held) if _is(held, made) else held)
        if held is not None and _is(held, made):
            for source in held.sources:
                self.catalog.sources.doubt(source.uri)


def _is_older(record: SourceRecord, made: Manifest) -> bool:
    return record.video_id == made.video_id and record.pipeline_fingerprint != made.pipeline_fingerprint


def _number(catalog: Catalog, claim: Claim, spans: list[SpanRecord]) -> bool:
    """Give sidecars their scene's place in the video; the first span's were written with it. False: it is another's.

    As in record_store.put_record_while: what was read before the claim was asked for is written over, and nothing else.
    """
    places = enumerate(scene for span in spans for scene in span.scenes)
    later = islice(places, len(spans[0].scenes), None)
    while page := list(islice(later, SIDECARS_AT_ONCE)):
        misplaced = []
        for position, scene in page:
            key = catalog.sidecar_key(claim.video_id, scene.scene_id)
            try:
                held = catalog.store.get(key)
            except ObjectMissing:
                continue  # found below, where all parts of the video are looked for
            sidecar = from_json(key, held, Sidecar)
            if sidecar.index != position:
                misplaced.append((key, held, to_json(sidecar.model_copy(update={"index": position}))))
        if misplaced and not catalog.claims.holds(claim):
            return False
        for key, held, data in misplaced:
            catalog.store.swap(key, held, data)  # or another writer of this run has written it since: it numbers it too
    return True


def most_spoken(words: Counter[str]) -> str:
    """The language with the most words (the first by name among equals); empty where nothing is said."""
    return min((language for language in words if words[language]), key=lambda name: (-words[name], name), default="")


def _succeed(held: Manifest, made: Manifest, dataset: str | None) -> Manifest:
    """What follows a manifest that is there: itself if it is of a later claim or says the same, else the new one."""
    same = held.pipeline_fingerprint == made.pipeline_fingerprint
    if held.claim_generation > made.claim_generation:
        return held.with_source(made.sources[0], dataset) if same else held
    kept = held
    if not same or held.scenes != made.scenes:
        kept = made.model_copy(update={"sources": held.sources, "datasets": held.datasets})
    return kept.with_source(made.sources[0], dataset)


def _is(held: Manifest, made: Manifest) -> bool:
    return (held.run_id, held.claim_generation) == (made.run_id, made.claim_generation)


def _unfit(held: Manifest) -> Manifest:
    return held.model_copy(update={"pipeline_fingerprint": UNFIT})
