"""What is known about the videos of a workspace: sources, claims, spans, manifests, datasets, quarantine, reports.

The catalog is the object store with names and types: every record is one JSON object under the key that the layout
in docs gives it. Nothing is cached, so any number of processes may hold a catalog of the same store.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from footage import identity
from footage.errors import ObjectMissing
from footage.record_json import Record, from_json, to_json
from footage.sidecar import (
    Claim,
    Manifest,
    QuarantineRecord,
    RunReport,
    Sidecar,
    SourceRecord,
    SpanRecord,
    Stored,
    StoredSource,
)
from footage.storage import ObjectStore


def utc_now() -> str:
    """Now, for a record: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Catalog:
    """Typed access to the records of one workspace. Getters give None for what is not there.

    A name that cannot be one is a SettingsError; an object that is not what its key says, or no store, is a StoreError.
    """

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self.store = store
        self.workspace = identity.check_name("workspace", workspace)

    # Sources

    def source_record(self, uri: str) -> SourceRecord | None:
        """What was recorded when this source was last indexed."""
        return self._get(self._source_key(uri), SourceRecord)

    def put_source(self, record: SourceRecord) -> None:
        """Record that a source needs no reading again."""
        self._put(self._source_key(record.source.uri), record)

    # Videos

    def manifest(self, video_id: str) -> Manifest | None:
        """The manifest of a video; it is there once every scene can be found."""
        return self._get(self._manifest_key(video_id), Manifest)

    def create_manifest(self, manifest: Manifest) -> bool:
        """Write the first manifest of a video; False if it has one."""
        return self.store.create(self._manifest_key(manifest.video_id), to_json(manifest))

    def change_manifest(self, video_id: str, change: Callable[[Manifest], Manifest]) -> Manifest | None:
        """Replace a manifest by `change` of it, however many processes do so at once; None if there is none.

        `change` may be called several times, each time with what was stored last.
        """
        key = self._manifest_key(video_id)
        while True:
            try:
                old = self.store.get(key)
            except ObjectMissing:
                return None
            held = from_json(key, old, Manifest)
            changed = change(held)
            if changed == held or self.store.swap(key, old, to_json(changed)):
                return changed

    def manifests(self) -> Iterator[Manifest]:
        """The manifests of all videos, by video id."""
        for key in self.store.list(f"videos/{self.workspace}/"):
            if key.endswith("/manifest.json") and (manifest := self._get(key, Manifest)) is not None:
                yield manifest

    def videos(self) -> Iterator[Manifest]:
        """The manifests of the videos that can be shown: those that a source holds still."""
        return (manifest for manifest in self.manifests() if manifest.sources)

    def delete_manifest(self, video_id: str) -> None:
        """Remove the manifest of a video."""
        self.store.delete(self._manifest_key(video_id))

    def add_source(self, video_id: str, source: StoredSource, dataset: str | None, fingerprint: str) -> Manifest | None:
        """Say that a source, read or not, holds the bytes of an indexed video, and that a dataset refers to it.

        Gives the manifest with both, or None, having written nothing, if the video has no manifest of this pipeline.
        """
        manifest = self.manifest(video_id)
        if manifest is None or manifest.pipeline_fingerprint != fingerprint:
            return None
        manifest = self.change_manifest(video_id, lambda held: held.with_source(source, dataset))
        if manifest is None:
            return None
        self.record_source(video_id, source, fingerprint)
        if dataset is not None:
            self.put_reference(dataset, video_id)
        return manifest

    def record_source(self, video_id: str, source: StoredSource, fingerprint: str) -> None:
        """Record an indexed source; the video that it held before, if it was another, no longer names it."""
        before = self.source_record(source.uri)
        if before is not None and before.video_id != video_id:
            self.change_manifest(before.video_id, lambda held: held.without_source(source.uri))
        record = SourceRecord(source=source, video_id=video_id, pipeline_fingerprint=fingerprint, recorded_at=utc_now())
        if before is None or before.model_copy(update={"recorded_at": record.recorded_at}) != record:
            self.put_source(record)

    # Spans

    def span_record(self, video_id: str, index: int) -> SpanRecord | None:
        """The record of a committed span."""
        return self._get(self._span_key(video_id, index), SpanRecord)

    def put_span(self, record: SpanRecord) -> None:
        """Record a committed span."""
        self._put(self._span_key(record.video_id, record.span.index), record)

    def span_records(self, video_id: str) -> list[SpanRecord]:
        """The records of a video's committed spans, of whichever pipeline, in order."""
        found = (self._get(key, SpanRecord) for key in self.store.list(f"videos/{self.workspace}/{video_id}/spans/"))
        return sorted((record for record in found if record is not None), key=lambda record: record.span.index)

    def span_indices(self, video_id: str) -> set[int]:
        """Which spans have a record, without reading them."""
        keys = self.store.list(f"videos/{self.workspace}/{video_id}/spans/")
        return {int(key.rpartition("/")[2].removesuffix(".json")) for key in keys}

    def delete_span(self, video_id: str, index: int) -> None:
        """Remove the record of a span."""
        self.store.delete(self._span_key(video_id, index))

    # Claims

    def claim(self, video_id: str) -> Claim | None:
        """Who indexes a video, and how it was planned."""
        return self._get(self._claim_key(video_id), Claim)

    def create_claim(self, claim: Claim) -> bool:
        """Take a video; False if somebody has it."""
        return self.store.create(self._claim_key(claim.video_id), to_json(claim))

    def put_claim(self, claim: Claim) -> None:
        """Take a video over, whoever had it."""
        self._put(self._claim_key(claim.video_id), claim)

    def delete_claim(self, video_id: str) -> None:
        """Give a video free."""
        self.store.delete(self._claim_key(video_id))

    def claims(self) -> Iterator[Claim]:
        """All claims, by video id."""
        return self._all(f"claims/{self.workspace}/", Claim)

    # Quarantine

    def quarantine(self) -> Iterator[QuarantineRecord]:
        """All quarantine records, by id."""
        return self._all(f"quarantine/{self.workspace}/", QuarantineRecord)

    def put_quarantine(self, record: QuarantineRecord) -> QuarantineRecord:
        """Quarantine a source or span, or count one more run that failed on it; gives what was stored.

        An older record's first time stays, and its dataset if this one has none; `attempts` rises once per run.
        """
        key = self._quarantine_key(record.quarantine_id)
        before = self._get(key, QuarantineRecord)
        if before is not None:
            attempts = before.attempts + (before.run_id != record.run_id)
            dataset, since = record.dataset or before.dataset, before.first_failed_at
            record = record.model_copy(update={"attempts": attempts, "first_failed_at": since, "dataset": dataset})
        self._put(key, record)
        return record

    def delete_quarantine_record(self, quarantine_id: str) -> None:
        """Remove one record."""
        self.store.delete(self._quarantine_key(quarantine_id))

    def delete_quarantine(self, uri: str, span_count: int | None = None) -> None:
        """Remove all records of a source.

        Args:
            uri: of the source.
            span_count: spans that its video has; the records are then known by name. None reads every record.
        """
        if span_count is None:
            ids = {record.quarantine_id for record in self.quarantine() if record.source.uri == uri}
        else:
            names = {key.rpartition("/")[2] for key in self.store.list(f"quarantine/{self.workspace}/")}
            of_source = {identity.quarantine_id(uri, index) for index in (None, *range(span_count))} if names else set()
            ids = {id_ for id_ in of_source if f"{id_}.json" in names}
        for id_ in ids:
            self.delete_quarantine_record(id_)

    # Scenes

    def sidecar_key(self, video_id: str, scene_id: str) -> str:
        """The key of a scene's sidecar."""
        return f"sidecars/{self.workspace}/{video_id}/{scene_id}.json"

    def thumbnail_key(self, video_id: str, scene_id: str) -> str:
        """The key of a scene's thumbnail."""
        return f"thumbnails/{self.workspace}/{video_id}/{scene_id}.jpg"

    def sidecar(self, video_id: str, scene_id: str) -> Sidecar | None:
        """The sidecar of a scene."""
        return self._get(self.sidecar_key(video_id, scene_id), Sidecar)

    def put_sidecar(self, sidecar: Sidecar) -> None:
        """Write the sidecar of a scene."""
        self._put(self.sidecar_key(sidecar.video_id, sidecar.scene_id), sidecar)

    def thumbnail(self, video_id: str, scene_id: str) -> bytes | None:
        """The thumbnail of a scene, a JPEG."""
        try:
            return self.store.get(self.thumbnail_key(video_id, scene_id))
        except ObjectMissing:
            return None

    def put_thumbnail(self, video_id: str, scene_id: str, jpeg: bytes) -> None:
        """Write the thumbnail of a scene."""
        self.store.put(self.thumbnail_key(video_id, scene_id), jpeg)

    def delete_scene(self, video_id: str, scene_id: str) -> None:
        """Remove a scene's sidecar and thumbnail."""
        self.store.delete(self.sidecar_key(video_id, scene_id))
        self.store.delete(self.thumbnail_key(video_id, scene_id))

    def delete_scenes(self, video_id: str) -> None:
        """Remove all sidecars and thumbnails of a video, whatever its manifest says."""
        for kind in ("sidecars", "thumbnails"):
            for key in self.store.list(f"{kind}/{self.workspace}/{video_id}/"):
                self.store.delete(key)

    # Datasets

    def put_reference(self, dataset: str, video_id: str) -> None:
        """Put a video into a dataset."""
        self.store.put(f"{self._dataset_prefix(dataset)}{video_id}", b"")

    def dataset_videos(self, dataset: str) -> list[str]:
        """The ids of a dataset's videos."""
        return [key.rpartition("/")[2] for key in self.store.list(self._dataset_prefix(dataset))]

    def delete_references(self, video_id: str) -> None:
        """Take a video out of all datasets."""
        for key in self.store.list(f"datasets/{self.workspace}/"):
            if key.endswith(f"/{video_id}"):
                self.store.delete(key)

    # Runs

    def put_report(self, report: RunReport) -> None:
        """Write the report of a run."""
        self._put(f"runs/{report.run_id}.json", report)

    def reports(self) -> Iterator[RunReport]:
        """The reports of this workspace's runs, by run id."""
        return (report for report in self._all("runs/", RunReport) if report.workspace == self.workspace)

    def _dataset_prefix(self, dataset: str) -> str:
        return f"datasets/{self.workspace}/{identity.check_name('dataset', dataset)}/"

    def _source_key(self, uri: str) -> str:
        return f"sources/{self.workspace}/{identity.uri_hash(uri)}.json"

    def _manifest_key(self, video_id: str) -> str:
        return f"videos/{self.workspace}/{video_id}/manifest.json"

    def _span_key(self, video_id: str, index: int) -> str:
        return f"videos/{self.workspace}/{video_id}/spans/{index}.json"

    def _claim_key(self, video_id: str) -> str:
        return f"claims/{self.workspace}/{video_id}.json"

    def _quarantine_key(self, quarantine_id: str) -> str:
        return f"quarantine/{self.workspace}/{quarantine_id}.json"

    def _all(self, prefix: str, kind: type[Record]) -> Iterator[Record]:
        for key in self.store.list(prefix):
            record = self._get(key, kind)
            if record is not None:  # deleted since it was listed
                yield record

    def _get(self, key: str, kind: type[Record]) -> Record | None:
        try:
            return from_json(key, self.store.get(key), kind)
        except ObjectMissing:
            return None

    def _put(self, key: str, record: Stored) -> None:
        self.store.put(key, to_json(record))
