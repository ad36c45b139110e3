"""What is known about the videos of a workspace: manifests, spans, scenes, quarantine, reports, and the books.

The catalog is the object store with names and types: every record is one JSON object under the key that the layout
in docs gives it. Nothing is cached, so any number of processes may hold a catalog of the same store.
"""

import logging
from collections.abc import Callable, Iterator

from footage import identity
from footage.catalog_records import Claim, SourceRecord
from footage.claim_book import ClaimBook
from footage.dataset_book import DatasetBook
from footage.errors import ObjectMissing
from footage.lease_book import LeaseBook
from footage.pending_book import PendingBook
from footage.record_json import from_json, to_json
from footage.record_store import Parse, all_records, get_record, put_record, put_record_while, record_name
from footage.run_records import RunReport
from footage.sidecar import Manifest, QuarantineRecord, Sidecar, SpanRecord, Stored, StoredSource
from footage.source_book import SourceBook
from footage.source_moves import holders, leave_for, take_back_reference, unrecord
from footage.storage import ObjectStore
from footage.structured_log import printable

LOG = logging.getLogger(__name__)


class Catalog:
    """Typed access to the records of one workspace. Getters give None for what is not there.

    A name that cannot be one is a SettingsError; an object that is not what its key says, or no store, is a StoreError.

    Attributes:
        sources: which are indexed.
        claims: who works on which video.
        leases: which runs live.
        datasets: which videos they refer to.
        pending: videos that the end of a run has to look at.
    """

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self.store = store
        self.workspace = identity.check_name("workspace", workspace)
        self.sources = SourceBook(store, workspace)
        self.claims = ClaimBook(store, workspace)
        self.leases = LeaseBook(store, workspace)
        self.datasets = DatasetBook(store, workspace)
        self.pending = PendingBook(store, workspace)

    # Videos

    def manifest(self, video_id: str, parse: Parse = from_json) -> Manifest | None:
        """The manifest of a video; it is there once every scene can be found."""
        return get_record(self.store, self._manifest_key(video_id), Manifest, parse)

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
            if key.endswith("/manifest.json") and (manifest := get_record(self.store, key, Manifest)) is not None:
                yield manifest

    def video_ids(self, after: str = "") -> Iterator[str]:
        """The ids of the videos that have a manifest, or spans only as yet, in order; of later ones than `after`.

        Nothing is read, and of the spans, of which a long video has many, nothing is listed.
        """
        names = self.store.folders(f"videos/{self.workspace}/", after)
        return (name for name in names if identity.VIDEO_ID.fullmatch(name))

    def videos(self) -> Iterator[Manifest]:
        """The manifests of the videos that can be shown: those that a source holds still."""
        return (manifest for manifest in self.manifests() if manifest.sources)

    def delete_manifest(self, video_id: str) -> None:
        """Remove the manifest of a video."""
        self.store.delete(self._manifest_key(video_id))

    def add_source(
        self, video_id: str, source: StoredSource, dataset: str | None, fingerprint: str, read_at: str
    ) -> Manifest | None:
        """Say that a source holds the bytes of an indexed video, and that a dataset refers to it.

        Args:
            video_id: of the video.
            source: as it was when it was read.
            dataset: that is to refer to the video.
            fingerprint: of the pipeline.
            read_at: when the source was read.

        Returns:
            The manifest with both, or None, with nothing left written, if the video has no manifest of this pipeline.
        """
        manifest = self.manifest(video_id)
        if manifest is None or manifest.pipeline_fingerprint != fingerprint:
            return None
        if source not in manifest.sources:
            self.expect_source(video_id, source, fingerprint, read_at)
        if manifest.with_source(source, dataset) != manifest:
            self.change_manifest(
                video_id,
                lambda held: held.with_source(source, dataset) if held.pipeline_fingerprint == fingerprint else held,
            )
        return self.record_source(video_id, source, fingerprint, dataset, read_at)

    def expect_source(self, video_id: str, source: StoredSource, fingerprint: str, read_at: str) -> None:
        """Announce a source that the manifest of its video is about to name; see SourceBook.expect."""
        self.sources.expect(_record(video_id, source, fingerprint, read_at))

    def record_source(
        self, video_id: str, source: StoredSource, fingerprint: str, dataset: str | None, read_at: str
    ) -> Manifest | None:
        """Record a source that the manifest of its video names: it needs no reading again.

        If another video is recorded for it, the later finding counts: the other video loses the source, and datasets
        that refer to it on account of the source refer to this one instead; or, if `read_at` is earlier, the other
        way round.

        Args:
            video_id: of the video.
            source: as it was when it was read.
            fingerprint: of the pipeline.
            dataset: that is to refer to the video.
            read_at: when the source was read.

        Returns:
            The manifest, or None, with nothing left written, if it is not of this pipeline or has lost the source.
        """
        if dataset is not None:
            self.datasets.add(dataset, video_id, source.uri)
        record = _record(video_id, source, fingerprint, read_at)
        others = [held for held in holders(self, source.uri) if held.video_id != video_id]
        if any(held.recorded_at > record.recorded_at for held in others):
            latest = max(others, key=lambda held: held.recorded_at)
            leave_for(self, video_id, source.uri, latest.video_id, {dataset} if dataset is not None else set())
            unrecord(self, video_id, source.uri, self.manifest(video_id))
            return None
        for other in sorted({held.video_id for held in others}):
            leave_for(self, other, source.uri, video_id)
        held = self.sources.get(source.uri)
        if held is None or held.model_copy(update={"recorded_at": record.recorded_at}) != record:
            self.sources.put(record)
        manifest = self.manifest(video_id)
        if manifest is None or manifest.pipeline_fingerprint != fingerprint or not manifest.has_source(source):
            unrecord(self, video_id, source.uri, manifest)
            if dataset is not None:
                take_back_reference(self, video_id, source.uri, dataset)
            return None
        return manifest

    # Spans

    def span_record(self, video_id: str, index: int) -> SpanRecord | None:
        """The record of a committed span."""
        return get_record(self.store, self._span_key(video_id, index), SpanRecord)

    def put_span(self, record: SpanRecord, claim: Claim | None = None) -> bool:
        """Record a committed span; False, having written nothing, if the claim that is given is another's by now."""
        return self._put_claimed(self._span_key(record.video_id, record.span.index), record, claim)

    def span_records(self, video_id: str) -> list[SpanRecord]:
        """The records of a video's committed spans, of whichever pipeline, in order."""
        found = all_records(self.store, f"videos/{self.workspace}/{video_id}/spans/", SpanRecord)
        return sorted(found, key=lambda record: record.span.index)

    def span_indices(self, video_id: str) -> set[int]:
        """Which spans have a record, without reading them."""
        keys = self.store.list(f"videos/{self.workspace}/{video_id}/spans/")
        return {int(record_name(key)) for key in keys}

    def delete_span(self, video_id: str, index: int) -> None:
        """Remove the record of a span."""
        self.store.delete(self._span_key(video_id, index))

    # Quarantine

    def quarantine(self) -> Iterator[QuarantineRecord]:
        """All quarantine records, by id."""
        return all_records(self.store, f"quarantine/{self.workspace}/", QuarantineRecord)

    def quarantine_ids(self) -> Iterator[str]:
        """The ids of all quarantine records, in order. Nothing is read."""
        names = map(record_name, self.store.list(f"quarantine/{self.workspace}/"))
        return (name for name in names if identity.VIDEO_ID.fullmatch(name))  # they are UUIDs too

    def quarantine_record(self, quarantine_id: str) -> QuarantineRecord | None:
        """One record."""
        return get_record(self.store, self._quarantine_key(quarantine_id), QuarantineRecord)

    def put_quarantine(self, record: QuarantineRecord) -> QuarantineRecord:
        """Quarantine a source or span, or count one more run that failed on it; gives what was stored.

        An older record's first time stays, and its dataset if this one has none; `attempts` rises once per run.
        """
        key = self._quarantine_key(record.quarantine_id)
        before = get_record(self.store, key, QuarantineRecord)
        if before is not None:
            attempts = before.attempts + (before.run_id != record.run_id)
            dataset, since = record.dataset or before.dataset, before.first_failed_at
            record = record.model_copy(update={"attempts": attempts, "first_failed_at": since, "dataset": dataset})
        put_record(self.store, key, record)
        about = {"run": record.run_id, "video": record.video_id, "span": record.span_index, "source": record.source.uri}
        LOG.warning("Quarantined as %s: %s", record.code, printable(record.reason), extra=about | {"code": record.code})
        return record

    def delete_quarantine_record(self, quarantine_id: str) -> None:
        """Remove one record."""
        self.store.delete(self._quarantine_key(quarantine_id))

    def delete_quarantine(self, uri: str, span_count: int) -> None:
        """Remove all records of a source whose video has so many spans."""
        ids = (identity.quarantine_id(uri, index) for index in (None, *range(span_count)))
        self.store.delete_all(map(self._quarantine_key, ids))

    # Scenes

    def sidecar_key(self, video_id: str, scene_id: str) -> str:
        """The key of a scene's sidecar."""
        return f"sidecars/{self.workspace}/{video_id}/{scene_id}.json"

    def thumbnail_key(self, video_id: str, scene_id: str) -> str:
        """The key of a scene's thumbnail."""
        return f"thumbnails/{self.workspace}/{video_id}/{scene_id}.jpg"

    def sidecar(self, video_id: str, scene_id: str, parse: Parse = from_json) -> Sidecar | None:
        """The sidecar of a scene."""
        return get_record(self.store, self.sidecar_key(video_id, scene_id), Sidecar, parse)

    def put_sidecar(self, sidecar: Sidecar, claim: Claim | None = None) -> bool:
        """Write the sidecar of a scene; False, having written nothing, if the claim is another's by now."""
        return self._put_claimed(self.sidecar_key(sidecar.video_id, sidecar.scene_id), sidecar, claim)

    def thumbnail(self, video_id: str, scene_id: str) -> bytes | None:
        """The thumbnail of a scene, a JPEG."""
        try:
            return self.store.get(self.thumbnail_key(video_id, scene_id))
        except ObjectMissing:
            return None

    def put_thumbnail(self, video_id: str, scene_id: str, jpeg: bytes) -> None:
        """Write the thumbnail of a scene."""
        self.store.put(self.thumbnail_key(video_id, scene_id), jpeg)

    def complete_scenes(self, video_id: str) -> set[str]:
        """The ids of the scenes of a video that have both a sidecar and a thumbnail, from listings."""
        names = (
            {
                key.rpartition("/")[2].removesuffix(suffix)
                for key in self.store.list(f"{folder}/{self.workspace}/{video_id}/")
            }
            for folder, suffix in (("sidecars", ".json"), ("thumbnails", ".jpg"))
        )
        return set.intersection(*names)

    # Runs

    def put_report(self, report: RunReport) -> None:
        """Write the report of a run."""
        put_record(self.store, f"runs/{report.run_id}.json", report)

    def _put_claimed(self, key: str, record: Stored, claim: Claim | None) -> bool:
        return put_record_while(self.store, key, record, lambda: claim is None or self.claims.holds(claim))

    def _manifest_key(self, video_id: str) -> str:
        return f"videos/{self.workspace}/{video_id}/manifest.json"

    def _span_key(self, video_id: str, index: int) -> str:
        return f"videos/{self.workspace}/{video_id}/spans/{index}.json"

    def _quarantine_key(self, quarantine_id: str) -> str:
        return f"quarantine/{self.workspace}/{quarantine_id}.json"


def _record(video_id: str, source: StoredSource, fingerprint: str, recorded_at: str) -> SourceRecord:
    return SourceRecord(source=source, video_id=video_id, pipeline_fingerprint=fingerprint, recorded_at=recorded_at)
