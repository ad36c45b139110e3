"""Which sources a run takes up, from a folder of files and what the catalog knows of them."""

import os
from pathlib import Path

import pytest

from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import SourceRecord
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.local_sources import MISSING_ETAG, file_uri
from footage.records import Source
from footage.settings import Settings
from footage.sidecar import QuarantineRecord, stored_source
from footage.source_plan import PlanCounts
from footage.sources import current_source
from pipelines.run_sources import RunSources, choose_sources, is_indexed, quarantined_sources
from tests.spans import FINGERPRINT, claim_of, manifest_of


class Archive:
    """A folder of files, and a catalog."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "films"
        self.folder.mkdir()
        self.catalog = Catalog(DirectoryStore(root / "store"), "default")

    def file(self, name: str, size_bytes: int = 10) -> Source:
        path = self.folder / name
        path.write_bytes(bytes(size_bytes))
        return current_source(file_uri(path))

    def indexed(self, name: str, fingerprint: str = FINGERPRINT, dataset: str | None = None) -> Source:
        source = self.file(name)
        video_id = identity.video_id("default", name)
        claim = claim_of(name, 1, fingerprint=fingerprint)
        manifest = manifest_of(claim, workspace="default", video_id=video_id, sources=[stored_source(source)])
        assert self.catalog.create_manifest(manifest)
        self.catalog.sources.put(record_of(source, video_id, fingerprint))
        if dataset is not None:
            self.catalog.datasets.add(dataset, video_id, source.uri)
        return source

    def failed(
        self,
        source: Source,
        attempts: int = 1,
        span_index: int | None = None,
        dataset: str | None = None,
        fingerprint: str = FINGERPRINT,
        code: str = "undecodable_video",
    ) -> QuarantineRecord:
        record = QuarantineRecord(
            quarantine_id=identity.quarantine_id(source.uri, span_index),
            workspace="default",
            source=stored_source(source),
            span_index=span_index,
            dataset=dataset,
            code=code,
            reason="It cannot be decoded.",
            attempts=attempts,
            pipeline_fingerprint=fingerprint,
            first_failed_at="",
            last_failed_at="",
            run_id="run-1",
        )
        return self.catalog.put_quarantine(record)

    def chosen(
        self, settings: Settings, dataset: str | None = None, only_known: bool = False
    ) -> tuple[PlanCounts, list[str], list[tuple[str, str]]]:
        with choose_sources(str(self.folder), self.catalog, FINGERPRINT, dataset, settings, only_known) as sources:
            references = [(name_of(uri), id_) for uri, id_ in sources.plan.to_reference()]
            return sources.plan.counts, names(sources), references


def record_of(source: Source, video_id: str, fingerprint: str) -> SourceRecord:
    return SourceRecord(
        source=stored_source(source), video_id=video_id, pipeline_fingerprint=fingerprint, recorded_at=""
    )


def name_of(uri: str) -> str:
    return uri.rpartition("/")[2]


def names(sources: RunSources) -> list[str]:
    return [name_of(source.uri) for tranche in sources.plan.tranches(2) for source in tranche]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_what_is_indexed_or_failed_unchanged_is_left_out(archive: Archive, offline: Settings) -> None:
    archive.indexed("indexed.mp4")
    changed = archive.indexed("changed.mp4")
    archive.file("changed.mp4", changed.size_bytes + 1)
    archive.indexed("older.mp4", "0" * 16)
    archive.failed(archive.file("failed.mp4"))
    archive.failed(archive.file("mended.mp4"))
    archive.file("mended.mp4", 30)
    archive.failed(archive.file("failed-before.mp4", 7), fingerprint="0" * 16)
    archive.file("new.mp4", 5)
    archive.file("notes.txt")

    counts, to_do, _ = archive.chosen(offline)
    assert counts == PlanCounts(found=7, skipped=1, in_quarantine=1, to_do=5, bytes_to_do=11 + 10 + 30 + 7 + 5)
    assert to_do == ["new.mp4", "mended.mp4", "changed.mp4", "older.mp4", "failed-before.mp4"]

    counts, to_do, _ = archive.chosen(offline, only_known=True)
    assert counts == PlanCounts(found=7, skipped=1, in_quarantine=1, to_do=2, left_out=3, bytes_to_do=11 + 10)
    assert to_do == ["older.mp4", "changed.mp4"]


def test_what_only_refused_is_no_failure(archive: Archive, offline: Settings) -> None:
    refused = archive.indexed("a.mp4", fingerprint="0" * 16)
    archive.failed(refused, offline.pipeline.max_attempts, code="parts_differ")
    for only_known in (False, True):
        counts, to_do, _ = archive.chosen(offline, only_known=only_known)
        assert (counts, to_do) == (PlanCounts(found=1, to_do=1, bytes_to_do=10), ["a.mp4"])
    with quarantined_sources(archive.catalog, FINGERPRINT, offline) as retried:
        assert names(retried) == ["a.mp4"]


def test_a_dataset_is_told_of_indexed_videos_and_nothing_is_written(archive: Archive, offline: Settings) -> None:
    archive.indexed("in.mp4", dataset="pilots")
    archive.indexed("out.mp4")
    archive.file("new.mp4")
    before = list(archive.catalog.store.list(""))

    counts, _, references = archive.chosen(offline, "pilots")
    assert counts == PlanCounts(found=3, skipped=2, to_do=1, to_reference=1, bytes_to_do=10)
    assert references == [("out.mp4", identity.video_id("default", "out.mp4"))]
    assert archive.chosen(offline)[2] == []
    assert list(archive.catalog.store.list("")) == before


def test_a_source_that_is_not_there_is_named(archive: Archive, offline: Settings) -> None:
    with pytest.raises(SettingsError, match=r"The source /nowhere cannot be read: No such file"):
        choose_sources("/nowhere", archive.catalog, FINGERPRINT, None, offline)


def test_a_retry_takes_sources_as_they_are_now_until_they_failed_too_often(archive: Archive, offline: Settings) -> None:
    limit = offline.pipeline.max_attempts
    archive.failed(archive.file("once.mp4"), dataset="pilots")
    archive.failed(archive.file("spans.mp4"), 1, span_index=0)
    archive.failed(archive.file("spans.mp4"), limit, span_index=1)
    archive.failed(archive.file("often.mp4"), limit)
    archive.failed(archive.file("older.mp4", 11), limit, fingerprint="0" * 16)
    archive.failed(archive.file("mended.mp4"), limit)
    archive.file("mended.mp4", 30)
    gone = archive.file("gone.mp4")
    archive.failed(gone)
    os.unlink(archive.folder / "gone.mp4")
    archive.file("new.mp4")

    with quarantined_sources(archive.catalog, FINGERPRINT, offline) as sources:
        assert sources.plan.counts == PlanCounts(found=6, in_quarantine=2, to_do=4, bytes_to_do=10 + 30 + 11)
        (tranche,) = sources.plan.tranches(10)
        assert [name_of(source.uri) for source in tranche] == ["once.mp4", "mended.mp4", "older.mp4", "gone.mp4"]
        assert tranche[-1] == Source(gone.uri, MISSING_ETAG, 0)
        assert {name_of(uri): dataset for uri, dataset in sources.datasets.items()} == {
            "once.mp4": "pilots",
            "spans.mp4": None,
            "often.mp4": None,
            "older.mp4": None,
            "mended.mp4": None,
            "gone.mp4": None,
        }


def test_what_is_named_is_tried_however_often_it_failed(archive: Archive, offline: Settings) -> None:
    limit = offline.pipeline.max_attempts
    often = archive.file("often.mp4")
    archive.failed(often, limit)
    spans = archive.file("spans.mp4")
    record = archive.failed(spans, limit + 1, span_index=3)
    archive.failed(archive.file("other.mp4"))

    for named, tried in (
        ([often.uri], ["often.mp4"]),
        ([str(archive.folder / "often.mp4")], ["often.mp4"]),
        ([record.quarantine_id, often.uri], ["often.mp4", "spans.mp4"]),
        ([str(archive.folder)], ["often.mp4", "spans.mp4", "other.mp4"]),
    ):
        with quarantined_sources(archive.catalog, FINGERPRINT, offline, named) as sources:
            assert names(sources) == tried
    with pytest.raises(SettingsError, match=r"s3://films/a.mp4 is not in quarantine"):
        quarantined_sources(archive.catalog, FINGERPRINT, offline, [often.uri, "s3://films/a.mp4"])


def test_a_source_is_indexed_if_its_record_and_its_manifest_say_so(archive: Archive) -> None:
    source = archive.indexed("a.mp4")
    video_id = identity.video_id("default", "a.mp4")
    assert is_indexed(archive.catalog, FINGERPRINT, source)
    assert not is_indexed(archive.catalog, "0" * 16, source)
    assert not is_indexed(archive.catalog, FINGERPRINT, Source(source.uri, "other", source.size_bytes))
    assert not is_indexed(archive.catalog, FINGERPRINT, Source("file:///other.mp4", source.etag, source.size_bytes))

    archive.catalog.change_manifest(video_id, lambda held: held.model_copy(update={"pipeline_fingerprint": "0" * 16}))
    assert not is_indexed(archive.catalog, FINGERPRINT, source)
    archive.catalog.change_manifest(
        video_id, lambda held: held.model_copy(update={"pipeline_fingerprint": FINGERPRINT, "sources": []})
    )
    assert not is_indexed(archive.catalog, FINGERPRINT, source)
    archive.catalog.delete_manifest(video_id)
    assert not is_indexed(archive.catalog, FINGERPRINT, source)


def test_a_record_of_another_pipeline_does_not_count(archive: Archive) -> None:
    source = archive.indexed("a.mp4")
    video_id = identity.video_id("default", "a.mp4")
    archive.catalog.sources.put(record_of(source, video_id, "0" * 16))
    assert not is_indexed(archive.catalog, FINGERPRINT, source)
