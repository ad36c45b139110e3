"""Brings what gc found into order: one finding at a time, each under the claim of its video.

Everything is looked at once more when the claim is held, so that nothing is done about what was in order again or is
being worked on. May be killed anywhere: what is then left is found by the next gc.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from footage.catalog import Catalog
from footage.claiming import release_claim, take_for_deletion
from footage.completion import UNFIT
from footage.erasing import Eraser
from footage.findings import Finding, parts_of
from footage.garbage import Inspector
from footage.leases import break_lease
from footage.originals import take_back
from footage.shelf import shelf_of
from footage.sidecar import Manifest
from footage.video_points import points_of


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of a finding."""

    finding: Finding
    is_done: bool  # False: only told, or left to whoever works on it


@dataclass(frozen=True)
class Mender:
    """Mends one workspace.

    Args:
        inspector: what looks at it; its run is the one under whose lease this process works.
        lease_s: how long a claim keeps others off if this process dies.
        dry_run: only tell.
    """

    inspector: Inspector
    lease_s: float
    dry_run: bool = False

    def collect(self) -> Iterator[Mended]:
        """Look through the workspace and mend what is found; what is yielded has happened.

        Raises:
            StoreUnavailable: it cannot be told whether a source is there.
        """
        for finding in self.inspector.find():
            yield Mended(finding, not self.dry_run and self.mend(finding))

    def mend(self, finding: Finding) -> bool:
        """Mend one finding; False if that is up to somebody else."""
        catalog, subject = self.inspector.catalog, finding.subject
        match finding.kind:
            case "waiting":
                return False
            case "lease":
                lease = catalog.leases.get(subject)
                return lease is not None and break_lease(catalog, subject, self.inspector.now)
            case "source_record":
                catalog.store.delete(subject)
            case "original":
                take_back(catalog, subject, self.inspector.is_present)
            case "mark":
                catalog.pending.remove("orphan", subject)
            case "leftovers":
                return self._eraser.erase_leftovers(subject)
            case "gone" | "half_deleted":
                manifest = catalog.manifest(subject)  # before it is judged again: what joins it afterwards keeps it
                is_so = finding.kind in (again.kind for again in self.inspector.look_at(subject))
                return manifest is not None and is_so and self._eraser.erase(manifest, frozenset())
            case _:
                return self._mend_video(finding)
        return True

    def _mend_video(self, finding: Finding) -> bool:
        """Mend a video that stays."""
        catalog = self.inspector.catalog
        manifest = catalog.manifest(finding.subject)
        claim = (
            take_for_deletion(catalog, manifest, self.inspector.run_id, self.lease_s) if manifest is not None else None
        )
        if manifest is None or claim is None:
            return False
        is_so = finding.kind in (again.kind for again in self.inspector.look_at(finding.subject))
        if is_so and finding.kind == "damaged":
            give_back_for_indexing(catalog, manifest)
        elif is_so and finding.kind == "surplus":
            self._trim(manifest)
        elif is_so and finding.kind == "datasets":
            true = catalog.datasets.of_video(manifest.video_id)
            catalog.change_manifest(manifest.video_id, lambda held: held.model_copy(update={"datasets": true}))
        release_claim(catalog, claim)
        return is_so

    def _trim(self, manifest: Manifest) -> None:
        """Remove what a complete video's manifest does not name.

        Span records go first: a run that found them would take their scenes for written.
        """
        catalog, index, video_id = self.inspector.catalog, self.inspector.index, manifest.video_id
        points = points_of(index, catalog.workspace, [video_id])[video_id]
        parts = parts_of(shelf_of(catalog, video_id), manifest, points, self.inspector.before)
        for record in catalog.span_records(video_id):
            number = record.span.index
            if number in parts.spans or record.pipeline_fingerprint != manifest.pipeline_fingerprint:
                catalog.delete_span(video_id, number)
        if parts.generations:
            if manifest.description is not None:
                # The index drops it together with points of other pipelines, so it is made anew.
                catalog.pending.add("describe", video_id)
                catalog.change_manifest(video_id, lambda held: held.model_copy(update={"description": None}))
            index.publish(catalog.workspace, video_id, manifest.pipeline_fingerprint)
        catalog.store.delete_all(catalog.sidecar_key(video_id, scene_id) for scene_id in parts.sidecars)
        catalog.store.delete_all(catalog.thumbnail_key(video_id, scene_id) for scene_id in parts.thumbnails)

    @property
    def _eraser(self) -> Eraser:
        return Eraser(self.inspector.catalog, self.inspector.index, self.inspector.run_id, self.lease_s)


def give_back_for_indexing(catalog: Catalog, manifest: Manifest) -> None:
    """See to it that the next run over a source of this video indexes it anew; until then it is found as it is.

    Sources are put in doubt first, so that they are read; then records of spans go, so that they are decoded; then the
    manifest is given to no pipeline, without which the source would be taken for a copy of an indexed one.
    """
    for source in manifest.sources:
        catalog.sources.doubt(source.uri)
    for number in sorted(catalog.span_indices(manifest.video_id)):
        catalog.delete_span(manifest.video_id, number)
    catalog.change_manifest(manifest.video_id, lambda held: held.model_copy(update={"pipeline_fingerprint": UNFIT}))
