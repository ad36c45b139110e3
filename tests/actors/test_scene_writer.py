from pathlib import Path

import pytest

from actors.scene_writer import SceneWriter
from footage.catalog_records import Claim
from footage.errors import IndexFailed
from footage.index_records import SceneFilter, VideoPoint
from footage.sidecar import StoredDescription, StoredEmbedding
from tests import spans as made
from tests.bench import Bench
from tests.spans import FINGERPRINT, MODELS, WORKSPACE
from tests.stores import snapshot


def test_a_video_is_seen_once_its_last_span_is_written(bench: Bench) -> None:
    claim = made.claim_of("two", 2)
    bench.catalog.claims.create(claim)

    assert bench.write(made.span_row(claim, 1)) == [("committed", 2)]
    assert bench.seen() == []
    assert bench.catalog.manifest(claim.video_id) is None

    assert bench.write(made.span_row(claim, 0, texts=("red car", "a", "b"))) == [("video_done", 3)]
    manifest = bench.catalog.manifest(claim.video_id)
    assert manifest is not None
    assert [scene.start_s for scene in manifest.scenes] == pytest.approx([0, 10 / 3, 20 / 3, 10, 15])
    assert bench.seen() == [scene.scene_id for scene in manifest.scenes]
    assert bench.indices(claim) == [0, 1, 2, 3, 4]


def test_a_video_without_scenes_or_words_is_complete_too(bench: Bench) -> None:
    claim = made.claim_of("nothing", 1)
    bench.catalog.claims.create(claim)
    row = made.span_row(claim, 0)
    lists = {name: [] for name, value in row.items() if isinstance(value, list) and name != "stage_seconds"}
    assert bench.write(row | lists) == [("video_done", 0)]
    manifest = bench.catalog.manifest(claim.video_id)
    assert manifest is not None
    assert (manifest.scenes, manifest.language) == ([], "")


def test_writing_again_in_any_order_leaves_the_same(tmp_path: Path) -> None:
    claim = made.claim_of("four", 4)
    rows = [made.span_row(claim, i, texts=("red car", "", f"blue house {i}")) for i in range(4)]
    once, again = Bench(tmp_path / "once"), Bench(tmp_path / "again")
    for bench in (once, again):
        bench.catalog.claims.create(claim)
    once.write(*rows)
    again.write(rows[2], rows[2], rows[0])
    again.write(rows[3])
    assert again.write(rows[1], rows[3], rows[2]) == [("video_done", 3)] * 3
    for bench in (once, again):
        bench.index.close()
    assert snapshot(once.root) == snapshot(again.root)


@pytest.mark.parametrize("killed_after", ["sidecars", "points", "span", "live", "manifest"])
def test_a_writer_killed_between_two_steps_is_followed_by_another(tmp_path: Path, killed_after: str) -> None:
    """The steps of a span and of a completion are done up to one of them, as a killed writer would have, then again."""
    claim = made.claim_of("two", 2)
    rows = [made.span_row(claim, 0), made.span_row(claim, 1)]
    undisturbed, killed = Bench(tmp_path / "undisturbed"), Bench(tmp_path / "killed")
    for bench in (undisturbed, killed):
        bench.catalog.claims.create(claim)
        bench.write(rows[0])
    undisturbed.write(rows[1])
    killed.write(rows[1])

    catalog, video_id = killed.catalog, claim.video_id
    store = catalog.store
    # Undo from the end what the killed writer did not come to do.
    catalog.claims.create(claim)
    store.delete(next(iter(store.list(f"sources/{WORKSPACE}/"))))
    if killed_after != "manifest":
        store.delete(f"videos/{WORKSPACE}/{video_id}/manifest.json")
    if killed_after in ("sidecars", "points", "span"):
        points = killed.index.points(SceneFilter(WORKSPACE))
        killed.index.delete_video(WORKSPACE, video_id)
        killed.index.upsert(points if killed_after != "sidecars" else points[:2])
        for scene_id, index in zip(rows[1]["scene_ids"], (0, 1), strict=True):
            catalog.put_sidecar(killed.sidecar(claim, scene_id).model_copy(update={"index": index}))
    if killed_after in ("sidecars", "points"):
        catalog.delete_span(video_id, 1)

    assert killed.write(rows[1]) == [("video_done", 2)]
    for bench in (undisturbed, killed):
        bench.index.close()
    assert snapshot(killed.root) == snapshot(undisturbed.root)


def test_a_finished_video_keeps_its_places_when_writing_it_again_is_cut_off(bench: Bench) -> None:
    claim = made.claim_of("two", 2)
    bench.catalog.claims.create(claim)
    bench.write(made.span_row(claim, 0), made.span_row(claim, 1))
    bench.catalog.claims.create(claim)  # the writer that completed it was killed before it gave it free
    bench.index.close()
    with pytest.raises(IndexFailed, match="was closed in this process"):  # after the sidecars
        bench.write(made.span_row(claim, 1))
    assert bench.indices(claim) == [0, 1, 2, 3]


def describe(bench: Bench, claim: Claim) -> StoredDescription:
    """Describe a finished video, as the second pass does."""
    embedding = StoredEmbedding(model="text-model", dimensions=4, has_embedding=True)
    description = StoredDescription(
        text="Cars.", model="m", embedding=embedding, fingerprint="d", described_at="2026-01-01T00:00:00+00:00"
    )
    bench.catalog.change_manifest(claim.video_id, lambda held: held.model_copy(update={"description": description}))
    bench.index.put_descriptions([VideoPoint(claim.video_id, WORKSPACE, "en", made.unit(1, 2, 3, 4))])
    return description


def test_writing_a_described_video_again_leaves_its_description(bench: Bench) -> None:
    claim = made.claim_of("told", 2)
    bench.catalog.claims.create(claim)
    rows = [made.span_row(claim, 0), made.span_row(claim, 1)]
    bench.write(*rows)
    description = describe(bench, claim)
    assert bench.write(rows[1]) == [("video_done", 2)]
    manifest = bench.catalog.manifest(claim.video_id)
    assert manifest is not None
    assert manifest.description == description
    assert [point.video_id for point in bench.index.descriptions(WORKSPACE)] == [claim.video_id]


def test_a_new_generation_replaces_the_old_one(bench: Bench) -> None:
    old = made.claim_of("clip", 2)
    bench.catalog.claims.create(old)
    bench.write(made.span_row(old, 0, texts=("a", "b", "c")), made.span_row(old, 1))
    before = bench.catalog.manifest(old.video_id)
    assert before is not None
    assert (len(before.scenes), before.span_count) == (5, 2)
    bench.catalog.add_source(old.video_id, made.source_of("copy"), "pilots", FINGERPRINT, made.READ_AT)
    describe(bench, old)

    one_span = made.claim_of("clip", 1, run_id="run-2", fingerprint="f" * 16)
    new = made.take(bench.catalog, one_span.model_copy(update={"video": old.video}))
    writer = SceneWriter(bench.catalog, bench.index, "f" * 16, MODELS)
    row = made.span_row(new, 0, texts=("a", "b"))
    writer(made.spans(row))

    after = bench.catalog.manifest(old.video_id)
    assert after is not None
    assert [source.uri for source in after.sources] == ["file:///films/clip.mp4", "file:///films/copy.mp4"]
    assert (after.datasets, after.pipeline_fingerprint, after.span_count, after.run_id) == (
        ["pilots"],
        "f" * 16,
        1,
        "run-2",
    )
    assert [scene.scene_id for scene in after.scenes] == row["scene_ids"]
    assert (after.description, bench.index.descriptions(WORKSPACE)) == (None, [])
    assert {
        (point.scene_id, point.generation) for point in bench.index.points(SceneFilter(WORKSPACE, live_only=False))
    } == {(scene_id, "f" * 16) for scene_id in row["scene_ids"]}
    assert bench.catalog.complete_scenes(new.video_id) >= set(row["scene_ids"])  # others' files are left to gc
    assert bench.catalog.sources.get("file:///films/copy.mp4") is None  # it was indexed by the older pipeline


def test_a_failure_is_quarantined_and_counted_once_a_run(bench: Bench) -> None:
    claim = made.claim_of("bad", 2)
    failure = {"failure_code": "truncated_video", "failure": "It ends early."}
    failed = made.bare_row(claim, span_index=1, span_count=2, dataset="pilots", **failure)
    assert bench.write(failed) == [("failed", 0)]
    bench.write(failed)
    first = next(bench.catalog.quarantine())
    bench.write(failed | {"run_id": "run-2"})
    (record,) = bench.catalog.quarantine()
    assert record.model_dump(exclude={"last_failed_at"}) == {
        "schema_version": 1,
        "quarantine_id": first.quarantine_id,
        "workspace": WORKSPACE,
        "source": claim.source.model_dump(),
        "video_id": claim.video_id,
        "span_index": 1,
        "dataset": "pilots",
        "code": "truncated_video",
        "reason": "It ends early.",
        "next_step": record.next_step,
        "attempts": 2,
        "pipeline_fingerprint": FINGERPRINT,
        "first_failed_at": first.first_failed_at,
        "run_id": "run-2",
    }


def test_a_source_that_cannot_be_read_is_quarantined_without_a_video(bench: Bench) -> None:
    failure = {"failure_code": "missing_source", "failure": "It is gone."}
    row = made.bare_row(made.claim_of("gone", 1), video_id=None, read_at=None, **failure)
    outcome = bench.writer(made.spans(row)).to_pylist()
    assert outcome == [
        {
            "run_id": "run-1",
            "source_uri": "file:///films/gone.mp4",
            "video_id": None,
            "read_at": None,
            "span_index": None,
            "span_count": None,
            "status": "failed",
            "code": "missing_source",
            "reason": "It is gone.",
            "scene_count": 0,
            "duration_s": 0.0,
            "stage_seconds": [],
        }
    ]
    (record,) = bench.catalog.quarantine()
    assert (record.video_id, record.span_index, record.attempts) == (None, None, 1)


def test_a_video_that_succeeds_leaves_quarantine(bench: Bench) -> None:
    claim = made.claim_of("retried", 2)
    bench.catalog.claims.create(claim)
    other = made.bare_row(made.claim_of("other", 1), failure_code="x", failure="y")
    bench.write(
        made.bare_row(claim, failure_code="x", failure="y"),
        made.bare_row(claim, span_index=1, failure_code="x", failure="y"),
        other,
    )
    bench.write(made.span_row(claim, 0))
    assert len(list(bench.catalog.quarantine())) == 3
    bench.write(made.span_row(claim, 1))
    assert [record.source.uri for record in bench.catalog.quarantine()] == [other["source_uri"]]


def test_a_duplicate_joins_the_manifest_once_there_is_one(bench: Bench) -> None:
    claim = made.claim_of("first", 1)
    bench.catalog.claims.create(claim)
    copy = made.source_of("second")
    row = made.bare_row(claim, duplicate=True, source_uri=copy.uri, dataset="pilots")

    assert bench.write(row) == [("duplicate", 0)]
    assert bench.catalog.sources.get(copy.uri) is None

    bench.write(made.span_row(claim, 0))
    assert bench.write(row) == [("joined", 0)]
    manifest = bench.catalog.manifest(claim.video_id)
    assert manifest is not None
    assert (manifest.sources, manifest.datasets) == ([claim.source, copy], ["pilots"])
    record = bench.catalog.sources.get(copy.uri)
    assert record is not None
    assert record.video_id == claim.video_id
    assert list(bench.catalog.datasets.videos("pilots")) == [claim.video_id]


def test_a_source_with_new_content_leaves_its_old_video(bench: Bench) -> None:
    old, new = made.claim_of("take1", 1), made.claim_of("take2", 1)
    new = new.model_copy(update={"source": old.source.model_copy(update={"etag": "e2"})})
    for claim in (old, new):
        bench.catalog.claims.create(claim)
        bench.write(made.span_row(claim, 0))
    before, after = bench.catalog.manifest(old.video_id), bench.catalog.manifest(new.video_id)
    assert before is not None
    assert after is not None
    assert (before.sources, after.sources) == ([], [new.source])


@pytest.mark.parametrize(
    "changes",
    [{"run_id": "run-2"}, {"generation": 2}, {"run_id": ""}, None],
    ids=["run", "again", "given back", "gone"],
)
def test_without_its_claim_nothing_is_written(bench: Bench, changes: dict[str, object] | None) -> None:
    claim = made.claim_of("lost", 1)
    if changes is not None:
        bench.catalog.claims.create(claim.model_copy(update=changes))
    before = list(bench.catalog.store.list(""))
    failed = made.span_row(claim, 0, failure_code="truncated_video", failure="It ends early.")
    assert bench.write(made.span_row(claim, 0), failed) == [("elsewhere", 0)] * 2
    assert list(bench.catalog.store.list("")) == before


def test_a_row_that_another_run_works_on_changes_nothing(bench: Bench) -> None:
    before = list(bench.catalog.store.list(""))
    assert bench.write(made.bare_row(made.claim_of("theirs", 1), elsewhere=True)) == [("elsewhere", 0)]
    assert list(bench.catalog.store.list("")) == before


def test_a_late_span_of_a_finished_video_changes_nothing(bench: Bench) -> None:
    claim = made.claim_of("late", 1)
    bench.catalog.claims.create(claim)
    row = made.span_row(claim, 0)
    bench.write(row)
    assert bench.catalog.claims.get(claim.video_id) is None
    assert bench.write(row | {"scene_ids": ["x", "y"]}) == [("video_done", 2)]
    assert bench.seen() == row["scene_ids"]


def test_a_span_record_of_another_plan_does_not_count(bench: Bench) -> None:
    claim = made.claim_of("replanned", 2)
    bench.catalog.claims.create(claim)
    bench.write(made.span_row(claim, 0))
    record = bench.catalog.span_record(claim.video_id, 0)
    assert record is not None
    bench.catalog.put_span(record.model_copy(update={"span": record.span.model_copy(update={"end_s": 9.0})}))
    assert bench.write(made.span_row(claim, 1)) == [("committed", 2)]
