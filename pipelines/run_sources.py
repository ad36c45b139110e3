"""Which sources a run works on: what is known already is skipped without being read."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from footage.catalog import Catalog
from footage.records import Source
from footage.sidecar import QuarantineRecord
from footage.sources import file_source, in_working_order, list_sources, local_path


@dataclass(frozen=True)
class RunSources:
    """The sources of a run, by what is to happen to them."""

    to_do: list[Source]  # in working order
    skipped: list[Source]  # indexed before, unchanged
    in_quarantine: list[Source]  # failed before, unchanged: only `footage retry` tries them again
    datasets: dict[str, str | None] = field(default_factory=dict)  # by URI: what they were to join when they failed

    @property
    def found(self) -> int:
        """All sources that were found."""
        return len(self.to_do) + len(self.skipped) + len(self.in_quarantine)


def choose_sources(source: str, catalog: Catalog, fingerprint: str, dataset: str | None) -> RunSources:
    """List a source and leave out what this pipeline (by its fingerprint) has seen in the same state.

    Raises:
        SettingsError: the source cannot be listed.
    """
    failed = _unchanged_in_quarantine(catalog.quarantine(), fingerprint)
    to_do, skipped, in_quarantine = [], [], []
    for found in list_sources(source):
        if is_indexed(catalog, fingerprint, found):
            if dataset is not None:
                _add_to_dataset(catalog, found, dataset, fingerprint)
            skipped.append(found)
        elif (found.uri, found.etag) in failed:
            in_quarantine.append(found)
        else:
            to_do.append(found)
    return RunSources(in_working_order(to_do), skipped, in_quarantine)


def quarantined_sources(catalog: Catalog) -> RunSources:
    """What is in quarantine, as it is on disk now."""
    datasets = {record.source.uri: record.dataset for record in catalog.quarantine()}
    found = [file_source(local_path(uri)) for uri in sorted(datasets)]
    return RunSources(in_working_order(found), [], [], datasets)


def is_indexed(catalog: Catalog, fingerprint: str, source: Source) -> bool:
    """Whether this pipeline has made the source searchable in the state it is in now."""
    record = catalog.source_record(source.uri)
    if (
        record is None
        or (record.source.etag, record.source.size_bytes) != (source.etag, source.size_bytes)
        or record.pipeline_fingerprint != fingerprint
    ):
        return False
    manifest = catalog.manifest(record.video_id)
    return (
        manifest is not None
        and manifest.pipeline_fingerprint == fingerprint
        and any(stored.uri == source.uri for stored in manifest.sources)
    )


def _add_to_dataset(catalog: Catalog, source: Source, dataset: str, fingerprint: str) -> None:
    record = catalog.source_record(source.uri)
    if record is not None:
        catalog.add_source(record.video_id, record.source, dataset, fingerprint)


def _unchanged_in_quarantine(records: Iterable[QuarantineRecord], fingerprint: str) -> set[tuple[str, str]]:
    return {(record.source.uri, record.source.etag) for record in records if record.pipeline_fingerprint == fingerprint}
