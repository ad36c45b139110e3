"""Planning takes a source only if all that was read of it was one content."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actors.span_planner import SOURCE, SpanPlanner
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.decoder_settings import DecoderSettings
from footage.directory_store import DirectoryStore
from footage.leases import RunLease
from footage.local_sources import file_source
from footage.parts import Part
from footage.sidecar import Manifest, SpanRecord, StoredSpan
from footage.span_table import table_of
from tests import media


class CopyThatGoesOn(Catalog):
    """Another program writes to a file between its hashing and its probing, which is when the catalog is asked."""

    growing: Path | None = None

    def manifest(self, video_id: str) -> Manifest | None:
        if self.growing is not None:
            with self.growing.open("ab") as file:
                file.write(bytes(1000))
        return super().manifest(video_id)


@pytest.fixture
def catalog(tmp_path: Path) -> CopyThatGoesOn:
    return CopyThatGoesOn(DirectoryStore(tmp_path / "store"), "studio")


@pytest.fixture
def planner(catalog: Catalog) -> Iterator[SpanPlanner]:
    made = SpanPlanner(DecoderSettings(), catalog, "0123456789abcdef")
    yield made
    made._process.close()


def listed(path: Path) -> pa.Table:
    source = file_source(path)
    row = {
        "run_id": "run",
        "workspace": "studio",
        "dataset": None,
        "source_uri": source.uri,
        "source_etag": source.etag,
        "source_size_bytes": source.size_bytes,
        "path": os.fsencode(path),
    }
    return table_of([row], SOURCE)


def failures(rows: pa.Table) -> list[str | None]:
    return rows["failure_code"].to_pylist()


def test_a_source_becomes_a_span(planner: SpanPlanner, tmp_path: Path):
    rows = planner(listed(media.silent(tmp_path / "a.mp4")))
    (row,) = rows.to_pylist()
    assert (row["failure_code"], row["span_start_s"], row["span_end_s"]) == (None, 0.0, media.DURATION_S)


def test_a_source_that_was_replaced_after_it_was_listed_is_refused(planner: SpanPlanner, tmp_path: Path):
    path = media.silent(tmp_path / "a.mp4")
    sources = listed(path)
    media.plain(path)
    assert failures(planner(sources)) == ["source_changed"]
    assert failures(planner(listed(path))) == [None]  # as the next run lists it


def test_a_source_that_changes_while_it_is_planned_is_not_claimed(
    planner: SpanPlanner, catalog: CopyThatGoesOn, tmp_path: Path
):
    path = media.silent(tmp_path / "a.mp4")
    catalog.growing = path
    (row,) = planner(listed(path)).to_pylist()
    assert (row["failure_code"], row["video_id"]) == ("source_changed", None)
    assert not list((tmp_path / "store").rglob("claims/**/*.json"))


def test_a_dangling_link_is_missing(planner: SpanPlanner, tmp_path: Path):
    assert failures(planner(listed(media.dangling_link(tmp_path / "a.mp4")))) == ["missing_source"]


def planned(planner: SpanPlanner, path: Path, run_id: str = "run") -> list[dict[str, Any]]:
    table = listed(path)
    return planner(table.set_column(0, SOURCE.field("run_id"), [[run_id]])).to_pylist()


def flags(rows: list[dict[str, Any]]) -> list[tuple[bool, bool, int | None, int | None]]:
    return [(row["duplicate"], row["elsewhere"], row["claim_generation"], row["span_index"]) for row in rows]


def test_a_video_that_another_live_run_has_is_elsewhere(
    planner: SpanPlanner, catalog: CopyThatGoesOn, tmp_path: Path
) -> None:
    path, copy = media.silent(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    copy.write_bytes(path.read_bytes())
    lease = RunLease(catalog, "run-1", "footage index", "/films", 60)
    lease.take(datetime.now(UTC))
    assert flags(planned(planner, path, "run-1")) == [(False, False, 1, 0)]
    assert flags(planned(planner, path, "run-1")) == [(False, False, 1, 0)]  # a task that Ray tries again
    assert flags(planned(planner, copy, "run-1")) == [(True, False, None, None)]
    (row,) = planned(planner, copy, "run-2")
    assert flags([row]) == [(False, True, None, None)]
    assert (row["video_id"], row["failure_code"]) == (planned(planner, path, "run-1")[0]["video_id"], None)

    lease.release()
    assert flags(planned(planner, copy, "run-2")) == [(False, False, 2, 0)]


def test_spans_of_a_dead_run_of_the_same_pipeline_are_kept(
    planner: SpanPlanner, catalog: CopyThatGoesOn, tmp_path: Path
) -> None:
    path = media.silent(tmp_path / "a.mp4")
    (row,) = planned(planner, path, "run-1")
    claim = catalog.claims.get(row["video_id"])
    assert claim is not None
    spans = [StoredSpan(index=number, start_s=number * 0.5, end_s=(number + 1) * 0.5) for number in range(3)]
    assert catalog.claims.swap(claim, claim.model_copy(update={"spans": spans}))
    halves = SpanPlanner(DecoderSettings(span_s=0.5), catalog, "0123456789abcdef")
    try:
        plan = planned(halves, path, "run-2")
        assert len(plan) > 2
        for number, changes in enumerate(({}, {"pipeline_fingerprint": "f" * 16}, {"claim_generation": 1})):
            record = SpanRecord(
                video_id=row["video_id"],
                span=StoredSpan(index=number, start_s=plan[number]["span_start_s"], end_s=plan[number]["span_end_s"]),
                scenes=[],
                language="",
                words_by_language={},
                frames_decoded=1,
                frames_damaged=0,
                pipeline_fingerprint="0123456789abcdef",
                claim_generation=2,
                run_id="run-2",
                committed_at="",
                stage_seconds={},
            )
            catalog.put_span(record.model_copy(update=changes))
        left = flags(planned(halves, path, "run-3"))
        assert left == [(False, False, 3, number) for number in range(1, len(plan)) if number != 2]

        other = SpanPlanner(DecoderSettings(span_s=0.5), catalog, "f" * 16)
        assert len(planned(other, path, "run-4")) == len(plan)  # not even its own: others may have removed its points
        other._process.close()
    finally:
        halves._process.close()


def test_a_video_of_another_pipeline_is_claimed_past_its_manifest(
    planner: SpanPlanner, catalog: CopyThatGoesOn, tmp_path: Path
) -> None:
    path = media.silent(tmp_path / "a.mp4")
    (row,) = planned(planner, path)
    claim = catalog.claims.get(row["video_id"])
    assert claim is not None
    catalog.claims.delete(claim.video_id)
    manifest = Manifest(
        workspace="studio",
        video_id=claim.video_id,
        sha256=claim.sha256,
        video=claim.video,
        sources=[],
        datasets=[],
        language="",
        span_count=1,
        scenes=[],
        pipeline_fingerprint="f" * 16,
        claim_generation=6,
        run_id="run-0",
        committed_at="",
    )
    catalog.create_manifest(manifest)
    assert flags(planned(planner, path)) == [(False, False, 7, 0)]
    catalog.change_manifest(
        claim.video_id, lambda held: held.model_copy(update={"pipeline_fingerprint": "0123456789abcdef"})
    )
    assert flags(planned(planner, path)) == [(True, False, None, None)]


def test_a_video_of_which_the_rest_cannot_be_kept_is_refused(
    planner: SpanPlanner, catalog: CopyThatGoesOn, tmp_path: Path
) -> None:
    path = media.silent(tmp_path / "a.mp4")
    components = {"speech": "new", "captions": "old"}
    only = SpanPlanner(DecoderSettings(), catalog, "f" * 16, only=(Part.SPEECH,), components=components)
    try:
        assert failures(only(listed(path))) == ["parts_differ"]  # it is not indexed
        (row,) = planned(planner, path)
        claim = catalog.claims.get(row["video_id"])
        assert claim is not None
        older = manifest_of(claim, {"speech": "old", "captions": "older"})
        assert catalog.create_manifest(older)
        (refused,) = only(listed(path)).to_pylist()
        assert (refused["failure_code"], refused["claim_generation"]) == ("parts_differ", None)
        assert refused["failure"].startswith(
            "a.mp4 was indexed with other models or settings of captions, which --only"
        )
        assert catalog.claims.get(row["video_id"]) == claim

        catalog.change_manifest(row["video_id"], lambda held: held.model_copy(update={"components": {**components}}))
        assert flags(planned(only, path, "run-2")) == [(False, False, 2, 0)]
    finally:
        only._process.close()


def manifest_of(claim: Claim, components: dict[str, str]) -> Manifest:
    return Manifest(
        workspace="studio",
        video_id=claim.video_id,
        sha256=claim.sha256,
        video=claim.video,
        sources=[claim.source],
        datasets=[],
        language="",
        span_count=1,
        scenes=[],
        pipeline_fingerprint=claim.pipeline_fingerprint,
        components=components,
        run_id="run-0",
        committed_at="",
    )
