"""Which sources a run works on: what is known already is skipped without being read."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def is_indexed(catalog: Catalog, fingerprint: str, source: Source) -> bool:
    """Whether this pipeline has made the source searchable in the state it is in now."""
    record = catalog.source_record(source.uri)
    return (
        record is not None
        and (record.source.etag, record.source.size_bytes) == (source.etag, source.size_bytes)
        and record.pipeline_fingerprint == fingerprint
        and catalog.manifest(record.video_id) is not None
    )


def _add_to_dataset(catalog: Catalog, source: Source, dataset: str, fingerprint: str) -> None:
    record = catalog.source_record(source.uri)
    if record is not None:
        catalog.add_source(record.video_id, record.source, dataset, fingerprint)


def quarantined_sources(catalog: Catalog) -> RunSources:
    """What is in quarantine, as it is on disk now."""
    uris = sorted({record.source.uri for record in catalog.quarantine()})
    return RunSources(in_working_order([file_source(local_path(uri)) for uri in uris]), [], [])


def _unchanged_in_quarantine(records: Iterable[QuarantineRecord], fingerprint: str) -> set[tuple[str, str]]:
    return {(record.source.uri, record.source.etag) for record in records if record.pipeline_fingerprint == fingerprint}
