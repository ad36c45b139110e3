"""Deletes originals once their videos are searchable, where the settings ask for it (sources.delete_original).

A deletion cannot be taken back, so each one is written down before it happens: the mark
`pending/{workspace}/original/{uri_hash}.json`, then `deleted_at` in the video's manifest and in the source's record,
then the file or object goes, then the mark. So whenever the process is killed, a video whose original footage deleted
is known to be one, and never taken for one whose source is gone; and a deletion that was cut off, or that had to wait
for another run, is gone on with by the next run.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from footage.catalog import Catalog
from footage.catalog_records import Lease, SourceRecord
from footage.errors import StoreError
from footage.identity import uri_hash
from footage.local_sources import local_path
from footage.record_store import all_records, get_record, put_record
from footage.records import Source
from footage.remote_access import USUAL_ACCESS, RemoteAccess
from footage.s3_sources import delete_object
from footage.s3_uri import is_s3
from footage.sidecar import Manifest, StoredSource
from footage.source_scope import lies_in
from footage.sources import current_source, is_http
from footage.timestamps import utc_now


@dataclass(frozen=True, slots=True)
class OriginalOutcome:
    """What became of one source."""

    uri: str
    is_deleted: bool
    why: str = ""  # it was kept, a sentence for the user


def delete_source_file(uri: str, access: RemoteAccess = USUAL_ACCESS) -> None:
    """Remove a file of this machine or an object of S3; one that is gone already is fine.

    Raises:
        OSError: the file cannot be removed.
        StoreError: the object cannot be removed.
    """
    if is_s3(uri):
        delete_object(uri, access.s3)
    else:
        local_path(uri).unlink(missing_ok=True)


@dataclass(frozen=True)
class OriginalDeleter:
    """Deletes the originals of one workspace at the end of a run.

    Args:
        catalog: of the workspace.
        others: leases of all other runs of the store that are alive, of any workspace. An original that one of them is
            to index, or may be, waits for a later run.
        access: how sources are reached.
        delete: removes one file or object.
    """

    catalog: Catalog
    others: tuple[Lease, ...]
    access: RemoteAccess = USUAL_ACCESS
    delete: Callable[[str, RemoteAccess], None] = delete_source_file

    def __call__(self, done: Iterable[Source]) -> Iterator[OriginalOutcome]:
        """Delete what earlier runs left to be deleted, then these sources, which this run has indexed."""
        waiting = all_records(self.catalog.store, originals_folder(self.catalog), SourceRecord)
        uris = [*(record.source.uri for record in waiting), *(source.uri for source in done)]
        for uri in dict.fromkeys(uris):
            yield self._delete(uri)

    def _delete(self, uri: str) -> OriginalOutcome:
        if is_http(uri):
            return OriginalOutcome(uri, False, "Nothing is deleted from web servers.")
        record = self.catalog.sources.get(uri)
        manifest = self.catalog.manifest(record.video_id) if record is not None else None
        if record is None or manifest is None or manifest.pipeline_fingerprint != record.pipeline_fingerprint:
            self._unmark(uri)
            return OriginalOutcome(uri, False, "Its video is not searchable.")
        held = _held(manifest, record)
        now = current_source(uri, self.access)
        is_there = (now.etag, now.size_bytes) == (record.source.etag, record.source.size_bytes)
        if held is None or not (is_there or held.deleted_at):
            self._unmark(uri)
            return OriginalOutcome(uri, False, "It has changed since it was indexed, or is gone.")
        other = next((lease for lease in self.others if may_need(lease, uri)), None)
        put_record(self.catalog.store, self._mark(uri), record)
        if other is not None:
            return OriginalOutcome(uri, False, f"`{other.what}` on {other.host} may need it; a later run deletes it.")
        note_deleted(self.catalog, record, deleted_at=held.deleted_at or utc_now())
        if is_there:
            try:
                self.delete(uri, self.access)
            except (OSError, StoreError) as error:
                note_deleted(self.catalog, record, deleted_at=None)
                self._unmark(uri)
                return OriginalOutcome(uri, False, f"It cannot be deleted: {_reason(error)}.")
        self._unmark(uri)
        return OriginalOutcome(uri, True)

    def _mark(self, uri: str) -> str:
        return f"{originals_folder(self.catalog)}{uri_hash(uri)}.json"

    def _unmark(self, uri: str) -> None:
        self.catalog.store.delete(self._mark(uri))


def originals_folder(catalog: Catalog) -> str:
    """Where originals are noted that are about to be deleted, or wait to be."""
    return f"pending/{catalog.workspace}/original/"


def is_cut_off(catalog: Catalog, mark: str) -> bool:
    """Whether a note of originals_folder() is one of a deletion that was begun, or of a video that is no more."""
    record = get_record(catalog.store, mark, SourceRecord)
    source = _held(catalog.manifest(record.video_id), record) if record is not None else None
    return source is None or source.deleted_at is not None


def take_back(catalog: Catalog, mark: str, is_present: Callable[[str], bool]) -> None:
    """Give up a deletion that was cut off. If the original is there, it was not deleted, and its video says so now."""
    record = get_record(catalog.store, mark, SourceRecord)
    if record is not None and is_present(record.source.uri):
        note_deleted(catalog, record, deleted_at=None)
    catalog.store.delete(mark)


def note_deleted(catalog: Catalog, record: SourceRecord, deleted_at: str | None) -> None:
    """Say in the manifest, then in the source's record, that the original was deleted, or (None) that it was not."""
    uri, video_id = record.source.uri, record.video_id
    source = record.source.model_copy(update={"deleted_at": deleted_at})

    def noted(held: StoredSource) -> StoredSource:
        return source if (held.uri, held.etag) == (uri, source.etag) else held

    catalog.change_manifest(
        video_id, lambda held: held.model_copy(update={"sources": [noted(one) for one in held.sources]})
    )
    if catalog.sources.get(uri) is not None and catalog.sources.videos_of(uri) == {video_id}:
        catalog.sources.put(record.model_copy(update={"source": source}))


def _held(manifest: Manifest | None, record: SourceRecord) -> StoredSource | None:
    """The source of a record as its video's manifest has it."""
    sources = manifest.sources if manifest is not None else []
    return next((held for held in sources if (held.uri, held.etag) == (record.source.uri, record.source.etag)), None)


def may_need(lease: Lease, uri: str) -> bool:
    """Whether a live run may still have to read a source: what it indexes has it, or is not known."""
    if not lease.source:
        return False  # it indexes nothing
    is_address = "://" in lease.source or os.path.isabs(lease.source)
    return not is_address or lies_in(uri, lease.source)


def _reason(error: OSError | StoreError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error).removesuffix(".")
