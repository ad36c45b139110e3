import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from footage import identity
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError, StoreError
from footage.run_records import RunReport
from footage.sidecar import Manifest, QuarantineRecord, SpanRecord
from tests import spans as made
from tests.spans import FINGERPRINT, READ_AT, WORKSPACE, claim_of, source_of

CLAIM = claim_of("film", 2)
VIDEO_ID = CLAIM.video_id


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(DirectoryStore(tmp_path), WORKSPACE)


def manifest_of(**changes: object) -> Manifest:
    return made.manifest_of(CLAIM, **changes)


def span_of(index: int) -> SpanRecord:
    return SpanRecord(
        video_id=VIDEO_ID,
        span={"index": index, "start_s": 0.0, "end_s": 1.0},
        scenes=[],
        language="",
        words_by_language={},
        frames_decoded=1,
        frames_damaged=0,
        pipeline_fingerprint=FINGERPRINT,
        run_id="run-1",
        committed_at="2026-01-01T00:00:00+00:00",
        stage_seconds={},
    )


def failure_of(uri: str, span_index: int | None = None, **changes: object) -> QuarantineRecord:
    fields = {
        "quarantine_id": identity.quarantine_id(uri, span_index),
        "workspace": WORKSPACE,
        "source": {"uri": uri, "etag": "e", "size_bytes": 1},
        "span_index": span_index,
        "code": "empty_source",
        "reason": "It is empty.",
        "attempts": 1,
        "pipeline_fingerprint": FINGERPRINT,
        "first_failed_at": "monday",
        "last_failed_at": "monday",
        "run_id": "run-1",
    }
    return QuarantineRecord.model_validate(fields | changes)


def report_of(run_id: str, workspace: str = WORKSPACE) -> RunReport:
    fields: dict[str, object] = {}
    for name, field in RunReport.model_fields.items():
        if field.is_required():
            fields[name] = {str: "x", int: 0, float: 0.0}.get(field.annotation)  # type: ignore[call-overload]
    return RunReport.model_validate(fields | {"run_id": run_id, "workspace": workspace, "state": "finished"})


def test_records_lie_where_the_layout_says(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of())
    catalog.put_span(span_of(10))
    catalog.claims.create(CLAIM)
    catalog.pending.add("orphan", VIDEO_ID)
    catalog.put_quarantine(failure_of("file:///x"))
    catalog.datasets.add("pilots", VIDEO_ID, None)
    catalog.put_thumbnail(VIDEO_ID, "s1", b"jpeg")
    catalog.put_report(report_of("run-1"))
    assert set(catalog.store.list("")) == {
        f"pending/{WORKSPACE}/orphan/{VIDEO_ID}",
        f"videos/{WORKSPACE}/{VIDEO_ID}/manifest.json",
        f"videos/{WORKSPACE}/{VIDEO_ID}/spans/10.json",
        f"claims/{WORKSPACE}/{VIDEO_ID}.json",
        f"quarantine/{WORKSPACE}/{identity.quarantine_id('file:///x', None)}.json",
        f"datasets/{WORKSPACE}/pilots/{VIDEO_ID}",
        f"thumbnails/{WORKSPACE}/{VIDEO_ID}/s1.jpg",
        "runs/run-1.json",
    }
    assert catalog.manifest(VIDEO_ID) == manifest_of()
    assert list(catalog.manifests()) == [manifest_of()]
    assert catalog.span_record(VIDEO_ID, 10) == span_of(10)
    assert list(catalog.claims.all()) == [CLAIM]
    assert list(catalog.datasets.videos("pilots")) == [VIDEO_ID]
    assert list(catalog.pending.videos("orphan")) == [VIDEO_ID]
    assert catalog.thumbnail(VIDEO_ID, "s1") == b"jpeg"
    assert list(catalog.store.list("runs/")) == ["runs/run-1.json"]


def test_what_is_not_there_is_none(catalog: Catalog) -> None:
    assert catalog.sources.get("file:///x") is None
    assert catalog.manifest(VIDEO_ID) is None
    assert catalog.change_manifest(VIDEO_ID, lambda held: held) is None
    assert catalog.add_source(VIDEO_ID, CLAIM.source, "pilots", FINGERPRINT, READ_AT) is None
    assert list(catalog.datasets.videos("pilots")) == []
    assert catalog.span_record(VIDEO_ID, 0) is None
    assert (catalog.span_records(VIDEO_ID), catalog.span_indices(VIDEO_ID)) == ([], set())
    assert catalog.claims.get(VIDEO_ID) is None
    assert catalog.leases.get("run-1") is None
    assert catalog.complete_scenes(VIDEO_ID) == set()
    assert catalog.sidecar(VIDEO_ID, "s1") is None
    assert catalog.thumbnail(VIDEO_ID, "s1") is None
    assert list(catalog.quarantine()) == []
    catalog.claims.delete(VIDEO_ID)
    catalog.pending.remove("orphan", VIDEO_ID)
    catalog.delete_quarantine("file:///x", 2)


def test_workspaces_do_not_see_each_other(catalog: Catalog) -> None:
    other = Catalog(catalog.store, "studio2")
    catalog.create_manifest(manifest_of())
    catalog.claims.create(CLAIM)
    catalog.pending.add("orphan", VIDEO_ID)
    catalog.put_quarantine(failure_of("file:///x"))
    assert (other.manifest(VIDEO_ID), list(other.manifests()), list(other.claims.all())) == (None, [], [])
    assert list(other.pending.videos("orphan")) == []
    assert list(other.quarantine()) == []


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "-x", "a/b", "a b", "a\n", "ä", "x" * 65])
def test_names_that_would_lead_elsewhere_are_refused(catalog: Catalog, name: str) -> None:
    for what, use in (
        ("workspace", lambda: Catalog(catalog.store, name)),
        ("dataset", lambda: catalog.datasets.add(name, VIDEO_ID, None)),
        ("dataset", lambda: catalog.datasets.videos(name)),
    ):
        with pytest.raises(SettingsError, match=re.escape(f"The {what} {name!r} cannot be used: a name has 1 to 64")):
            use()
    assert list(catalog.store.list("")) == []


@pytest.mark.parametrize("name", ["a", "A.b-c_1", "_x", "7", "x" * 64])
def test_names_that_can_be_used(catalog: Catalog, name: str) -> None:
    used = Catalog(catalog.store, name)
    used.datasets.add(name, VIDEO_ID, None)
    assert list(used.datasets.videos(name)) == [VIDEO_ID]


def test_a_video_without_a_source_is_not_shown(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of(sources=[]))
    other = manifest_of(video_id="00000000-0000-5000-8000-000000000009")
    catalog.create_manifest(other)
    assert list(catalog.videos()) == [other]
    assert len(list(catalog.manifests())) == 2


def test_the_first_manifest_wins(catalog: Catalog) -> None:
    assert catalog.create_manifest(manifest_of())
    assert not catalog.create_manifest(manifest_of(run_id="run-2"))
    assert catalog.manifest(VIDEO_ID) == manifest_of()


def test_spans_come_in_number_order(catalog: Catalog) -> None:
    for index in (10, 2, 0):
        catalog.put_span(span_of(index))
    assert [record.span.index for record in catalog.span_records(VIDEO_ID)] == [0, 2, 10]
    assert catalog.span_indices(VIDEO_ID) == {0, 2, 10}
    catalog.delete_span(VIDEO_ID, 2)
    assert catalog.span_indices(VIDEO_ID) == {0, 10}


def test_of_many_sources_added_at_once_none_is_lost(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of())
    copies = [source_of(f"copy{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda copy: catalog.add_source(VIDEO_ID, copy, copy.uri[-6:-4], FINGERPRINT, READ_AT), copies))
    manifest = catalog.manifest(VIDEO_ID)
    assert manifest is not None
    assert manifest.sources == sorted([CLAIM.source, *copies], key=lambda source: source.uri)
    assert manifest.datasets == sorted({copy.uri[-6:-4] for copy in copies})


def test_a_source_is_not_added_to_a_video_of_another_pipeline(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of())
    assert catalog.add_source(VIDEO_ID, source_of("copy"), "pilots", "another", READ_AT) is None
    assert catalog.manifest(VIDEO_ID) == manifest_of()
    assert catalog.sources.videos_of(source_of("copy").uri) == set()
    assert list(catalog.datasets.videos("pilots")) == []


def test_adding_the_same_source_again_changes_nothing(catalog: Catalog) -> None:
    catalog.create_manifest(manifest_of())
    catalog.add_source(VIDEO_ID, source_of("copy"), "pilots", FINGERPRINT, READ_AT)
    before = {key: catalog.store.get(key) for key in catalog.store.list("")}
    catalog.add_source(VIDEO_ID, source_of("copy"), "pilots", FINGERPRINT, READ_AT)
    assert {key: catalog.store.get(key) for key in catalog.store.list("")} == before


def test_failures_count_runs_and_keep_their_first_time(catalog: Catalog) -> None:
    catalog.put_quarantine(failure_of("file:///x", dataset="pilots"))
    catalog.put_quarantine(failure_of("file:///x", first_failed_at="tuesday", last_failed_at="tuesday"))
    stored = catalog.put_quarantine(
        failure_of("file:///x", run_id="run-2", code="c", first_failed_at="friday", last_failed_at="friday")
    )
    want = failure_of("file:///x", run_id="run-2", code="c", attempts=2, last_failed_at="friday", dataset="pilots")
    assert (stored, list(catalog.quarantine())) == (want, [want])


def test_the_failures_of_a_source_leave_together(catalog: Catalog) -> None:
    other = failure_of("file:///y", 1)
    for record in (failure_of("file:///x"), failure_of("file:///x", 0), failure_of("file:///x", 1), other):
        catalog.put_quarantine(record)
    catalog.delete_quarantine("file:///x", 2)
    assert list(catalog.quarantine()) == [other]
    catalog.delete_quarantine_record(other.quarantine_id)
    assert list(catalog.quarantine()) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "it: Invalid JSON"),
        (b"{}", "workspace: Field required"),
        (b'{"surprise": 1}', "workspace: Field required"),
    ],
)
def test_what_is_no_record_is_named_by_its_key(catalog: Catalog, data: bytes, says: str) -> None:
    key = f"videos/{WORKSPACE}/{VIDEO_ID}/manifest.json"
    catalog.store.put(key, data)
    with pytest.raises(StoreError, match=f"The object {key} is not a Manifest of this version of footage: {says}"):
        catalog.manifest(VIDEO_ID)
