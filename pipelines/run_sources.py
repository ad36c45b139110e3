"""Which sources a run works on: what is known already is skipped without being read."""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

from footage import identity
from footage.catalog import Catalog
from footage.errors import SettingsError
from footage.quarantine import may_retry, was_tried
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sidecar import QuarantineRecord, StoredSource
from footage.source_plan import SourcePlan
from footage.source_scope import lies_in
from footage.sources import current_source, list_sources

FEW_SOURCES = 100  # up to so many are looked up one by one, a request each; else the whole book is listed


@dataclass(frozen=True)
class RunSources:
    """The sources of a run, by what is to happen to them; to be closed."""

    plan: SourcePlan
    datasets: Mapping[str, str | None] = field(default_factory=dict)  # by URI: what they were to join when they failed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.plan.close()


def choose_sources(
    source: str,
    catalog: Catalog,
    fingerprint: str,
    dataset: str | None,
    settings: Settings,
    only_known: bool = False,
) -> RunSources:
    """List a source and leave out what this pipeline (by its fingerprint) has seen in the same state.

    Args:
        source: address of a folder, a bucket's prefix, a file, ...; see sources.list_sources.
        catalog: says what is known. Nothing is written to it.
        fingerprint: of the pipeline.
        dataset: that the run adds videos to.
        settings: say how sources are reached.
        only_known: leave out what no pipeline has indexed.

    Raises:
        SettingsError: the source cannot be listed.
        StoreError: the store or the bucket of the source cannot be used, or there is no room for the plan.
    """
    in_dataset = catalog.datasets.videos(dataset) if dataset is not None else None
    failed = failed_sources(catalog, fingerprint)
    plan = SourcePlan(fingerprint, catalog.sources.known(), failed, in_dataset, only_known)
    return _filled(plan, list_sources(source, RemoteAccess.of(settings)))


def arrived_sources(arrived: Collection[Source], catalog: Catalog, fingerprint: str, dataset: str | None) -> RunSources:
    """What choose_sources() gives for sources that are known to be there, in this state.

    Args:
        arrived: of one source, each once.
        catalog: says what is known. Nothing is written to it.
        fingerprint: of the pipeline.
        dataset: that the run adds videos to.
    """
    in_dataset = catalog.datasets.videos(dataset) if dataset is not None else None
    if len(arrived) <= FEW_SOURCES:
        known = chain.from_iterable(catalog.sources.known_of(source.uri) for source in arrived)
    else:
        known = chain(catalog.sources.known())
    return _filled(SourcePlan(fingerprint, known, failed_sources(catalog, fingerprint), in_dataset), arrived)


def quarantined_sources(
    catalog: Catalog, fingerprint: str, settings: Settings, named: Collection[str] = ()
) -> RunSources:
    """What is in quarantine, in the state it is in now.

    What failed settings.pipeline.max_attempts times with this pipeline, and has not changed since, stays there and is
    counted as such.

    Args:
        catalog: says what is in quarantine.
        fingerprint: of the pipeline.
        settings: say how sources are reached.
        named: sources (URIs, paths, or what they lie in), or ids of records: then only those, however often they
            failed.

    Raises:
        SettingsError: there is nothing in quarantine by one of these names.
        StoreError: the store or a bucket of the sources cannot be used.
    """
    records = list(catalog.quarantine())
    if named:
        uris = {uri for name in named for uri in _uris(records, name)}
        records = [record for record in records if record.source.uri in uris]
    given_up = [record for record in records if not named and not may_retry(record, settings.pipeline.max_attempts)]
    datasets = {record.source.uri: record.dataset for record in records}
    access = RemoteAccess.of(settings)
    plan = SourcePlan(fingerprint, failed=_failed(given_up, fingerprint))
    return _filled(plan, (current_source(uri, access) for uri in datasets), datasets)


def is_indexed(catalog: Catalog, fingerprint: str, source: Source) -> bool:
    """Whether this pipeline has made the source searchable in the state it is in now."""
    record = catalog.sources.get(source.uri)
    if record is None or _state(record.source, record.pipeline_fingerprint) != _state(source, fingerprint):
        return False
    manifest = catalog.manifest(record.video_id)
    return (
        manifest is not None
        and manifest.pipeline_fingerprint == fingerprint
        and any(stored.uri == source.uri for stored in manifest.sources)
    )


def _filled(
    plan: SourcePlan, sources: Iterable[Source], datasets: Mapping[str, str | None] | None = None
) -> RunSources:
    with contextlib.ExitStack() as undo:
        undo.callback(plan.close)  # also when the user ends a long listing
        plan.add(sources)
        undo.pop_all()
    return RunSources(plan, datasets or {})


def _uris(records: Iterable[QuarantineRecord], name: str) -> set[str]:
    uris = {r.source.uri for r in records if r.quarantine_id == name or lies_in(r.source.uri, name)}
    if not uris:
        raise SettingsError(f"{name} is not in quarantine. `footage videos` lists what is.")
    return uris


def failed_sources(catalog: Catalog, fingerprint: str) -> Iterator[StoredSource]:
    """In which state sources failed with this pipeline: in that one they are not tried again unasked."""
    return _failed(catalog.quarantine(), fingerprint)


def _failed(records: Iterable[QuarantineRecord], fingerprint: str) -> Iterator[StoredSource]:
    return (record.source for record in records if record.pipeline_fingerprint == fingerprint and was_tried(record))


def _state(source: Source | StoredSource, fingerprint: str) -> str:
    return identity.source_state(source.etag, source.size_bytes, fingerprint)
