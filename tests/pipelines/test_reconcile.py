from pathlib import Path

import pytest

from footage import identity
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.records import Source
from footage.sidecar import Manifest, QuarantineRecord, SpanRecord, StoredSpan, stored_source
from pipelines.ledger import Ledger, Task
from pipelines.reconcile import Found, Outcomes, Run, settle
from tests.spans import READ_AT, claim_of, manifest_of

RUN = Run("run-2", "default", None, "f" * 16)


def _source(name: str) -> Source:
    return Source(f"file:///{name}", "etag", 10)


def _claim(catalog: Catalog, source: Source, spans: int) -> str:
    video_id = identity.video_id("default", source.uri)
    claim = claim_of("film", spans, RUN.run_id, RUN.fingerprint)
    catalog.claims.create(claim.model_copy(update={"video_id": video_id, "source": stored_source(source)}))
    return video_id


def _commit(catalog: Catalog, video_id: str, index: int) -> None:
    catalog.put_span(
        SpanRecord(
            video_id=video_id,
            span=StoredSpan(index=index, start_s=10.0 * index, end_s=10.0 * (index + 1)),
            scenes=[],
            language="",
            words_by_language={},
            frames_decoded=1,
            frames_damaged=0,
            pipeline_fingerprint=RUN.fingerprint,
            run_id=RUN.run_id,
            committed_at="",
            stage_seconds={},
        )
    )


def _manifest(video_id: str, source: Source) -> Manifest:
    claim = claim_of("film", 1, RUN.run_id, RUN.fingerprint)
    return manifest_of(claim, workspace="default", video_id=video_id, sources=[stored_source(source)])


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(DirectoryStore(tmp_path / "store"), "default")


def test_lost_span_is_quarantined_with_its_stage(catalog: Catalog) -> None:
    source, ledger = _source("long.mp4"), Ledger()
    video_id = _claim(catalog, source, spans=2)
    _commit(catalog, video_id, 0)
    for _ in range(3):
        ledger.begin(Task("Transcriber", source.uri, 1, 10.0))

    settled = settle(RUN, [source], Outcomes(), catalog, ledger.state())

    [record] = catalog.quarantine()
    assert settled.quarantined == {source.uri}
    assert (record.span_index, record.code, record.video_id) == (1, "worker_lost", video_id)
    assert record.reason.startswith("Span 1 (10 to 20 s): The worker was lost in Transcriber, which tried it 3 times")
    assert ledger.state().deaths == {"Transcriber": 2}


def test_source_that_was_never_planned_is_quarantined(catalog: Catalog) -> None:
    source = _source("killer.mp4")

    settle(RUN, [source], Outcomes(), catalog, Ledger().state())

    [record] = catalog.quarantine()
    assert (record.source.uri, record.span_index, record.code) == (source.uri, None, "worker_lost")


def test_error_of_a_stage_is_told(catalog: Catalog) -> None:
    source, ledger = _source("odd.mp4"), Ledger()
    _claim(catalog, source, spans=1)
    task = Task("TextEmbedder", source.uri, 0, 10.0)
    ledger.begin(task)
    ledger.end(task, "ValueError: no such token", is_outage=False)

    settle(RUN, [source], Outcomes(), catalog, ledger.state())

    [record] = catalog.quarantine()
    assert record.code == "stage_failed"
    assert record.reason == "Span 0 (0 to 10 s): TextEmbedder raised ValueError: no such token"


def test_done_videos_leave_no_claim_and_no_record(catalog: Catalog) -> None:
    source = _source("good.mp4")
    video_id = _claim(catalog, source, spans=1)
    catalog.create_manifest(_manifest(video_id, source))

    settled = settle(RUN, [source], Outcomes(done={source.uri}), catalog, Ledger().state())

    assert settled.done == {source.uri}
    assert not settled.quarantined
    assert catalog.claims.get(video_id) is None
    assert list(catalog.quarantine()) == []


def test_the_claim_of_a_video_that_failed_is_given_back_with_its_plan(catalog: Catalog) -> None:
    source = _source("odd.mp4")
    video_id = _claim(catalog, source, spans=2)

    settle(RUN, [source], Outcomes(), catalog, Ledger().state())

    claim = catalog.claims.get(video_id)
    assert claim is not None
    assert (claim.run_id, len(claim.spans)) == ("", 2)


def test_what_another_run_works_on_is_left_to_it(catalog: Catalog) -> None:
    source, twin, found = _source("long.mp4"), _source("twin.mp4"), Found("v", READ_AT)
    outcomes = Outcomes(elsewhere={source.uri: found}, duplicate_of={twin.uri: found})

    settled = settle(RUN, [source, twin], outcomes, catalog, Ledger().state())

    assert settled.elsewhere == {source.uri: found, twin.uri: found}
    assert not settled.quarantined
    assert list(catalog.quarantine()) == []


def test_duplicate_joins_the_video_that_has_its_bytes(catalog: Catalog) -> None:
    first, second = _source("a.mp4"), _source("b.mp4")
    video_id = _claim(catalog, first, spans=1)
    catalog.create_manifest(_manifest(video_id, first))
    outcomes = Outcomes(done={first.uri}, duplicate_of={second.uri: Found(video_id, READ_AT)})

    settled = settle(RUN, [first, second], outcomes, catalog, Ledger().state())

    manifest = catalog.manifest(video_id)
    assert settled.duplicate == {second.uri}
    assert manifest is not None
    assert [source.uri for source in manifest.sources] == [first.uri, second.uri]


def test_a_source_that_joined_a_video_is_a_duplicate(catalog: Catalog) -> None:
    source = _source("b.mp4")

    settled = settle(RUN, [source], Outcomes(joined={source.uri}), catalog, Ledger().state())

    assert (settled.duplicate, settled.quarantined) == ({source.uri}, set())
    assert list(catalog.store.list("")) == []


def test_a_source_that_was_done_and_joined_counts_once(catalog: Catalog) -> None:
    source = _source("b.mp4")

    settled = settle(RUN, [source], Outcomes({source.uri}, joined={source.uri}), catalog, Ledger().state())

    assert (settled.done, settled.duplicate) == ({source.uri}, set())


def test_a_duplicate_that_another_run_found_changed_since_is_left_to_it(catalog: Catalog) -> None:
    first, second = _source("a.mp4"), _source("b.mp4")
    video_id = _claim(catalog, first, spans=1)
    catalog.create_manifest(_manifest(video_id, first))
    changed = Source(second.uri, "another etag", 11)
    newer_id = identity.video_id("default", "new content")
    catalog.create_manifest(_manifest(newer_id, changed))
    later = "2026-01-01T00:00:01.000+00:00"
    assert catalog.record_source(newer_id, stored_source(changed), RUN.fingerprint, None, later) is not None
    outcomes = Outcomes(done={first.uri}, duplicate_of={second.uri: Found(video_id, READ_AT)})

    settled = settle(RUN, [first, second], outcomes, catalog, Ledger().state())

    assert (settled.duplicate, settled.quarantined) == ({second.uri}, set())
    manifest = catalog.manifest(video_id)
    assert manifest is not None
    assert [source.uri for source in manifest.sources] == [first.uri]
    record = catalog.sources.get(second.uri)
    assert record is not None
    assert record.video_id == newer_id


def test_a_span_that_was_written_before_its_points_were_removed_is_missing(catalog: Catalog) -> None:
    source = _source("long.mp4")
    video_id = _claim(catalog, source, spans=2)
    held = catalog.claims.get(video_id)
    assert held is not None
    assert catalog.claims.swap(held, held.model_copy(update={"generation": 3, "resumes_from": 3}))
    _commit(catalog, video_id, 0)

    settle(RUN, [source], Outcomes(), catalog, Ledger().state())

    assert sorted(record.span_index or 0 for record in catalog.quarantine()) == [0, 1]


def test_duplicate_of_a_failed_video_fails_with_it(catalog: Catalog) -> None:
    first, second = _source("a.mp4"), _source("b.mp4")
    video_id = _claim(catalog, first, spans=1)

    settled = settle(
        RUN, [first, second], Outcomes(duplicate_of={second.uri: Found(video_id, READ_AT)}), catalog, Ledger().state()
    )

    records = {record.source.uri: record for record in catalog.quarantine()}
    assert settled.quarantined == {first.uri, second.uri}
    assert records[second.uri].code == "duplicate_failed"
    assert first.uri in records[second.uri].reason


def test_records_of_an_earlier_try_are_replaced(catalog: Catalog) -> None:
    source = _source("bad.mp4")
    old = QuarantineRecord(
        quarantine_id=identity.quarantine_id(source.uri, None),
        workspace="default",
        source=stored_source(source),
        code="truncated_video",
        reason="cut off",
        attempts=1,
        pipeline_fingerprint=RUN.fingerprint,
        first_failed_at="1",
        last_failed_at="1",
        run_id="run-1",
    )
    catalog.put_quarantine(old)
    _claim(catalog, source, spans=1)  # now it could be probed, but its span was lost

    settle(RUN, [source], Outcomes(), catalog, Ledger().state())

    assert [(record.span_index, record.code) for record in catalog.quarantine()] == [(0, "worker_lost")]


def test_written_but_never_completed_is_quarantined(catalog: Catalog) -> None:
    source, ledger = _source("almost.mp4"), Ledger()
    video_id = _claim(catalog, source, spans=2)
    for index in (0, 1):
        _commit(catalog, video_id, index)
    ledger.begin(Task("SceneWriter", source.uri, 1, 10.0))

    settled = settle(RUN, [source], Outcomes(), catalog, ledger.state())

    assert settled.quarantined == {source.uri}
    assert [(record.span_index, record.code) for record in catalog.quarantine()] == [(1, "worker_lost")]


def test_completed_without_word_is_done(catalog: Catalog) -> None:
    source = _source("quiet.mp4")
    video_id = _claim(catalog, source, spans=1)
    catalog.create_manifest(_manifest(video_id, source))
    catalog.record_source(video_id, stored_source(source), RUN.fingerprint, None, READ_AT)

    settled = settle(RUN, [source], Outcomes(), catalog, Ledger().state())

    assert (settled.done, settled.quarantined) == ({source.uri}, set())
