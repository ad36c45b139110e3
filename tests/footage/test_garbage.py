"""What gc finds, and what it makes of it: garbage.py and mending.py together."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from footage.claiming import take_claim, take_for_deletion
from footage.completion import UNFIT
from footage.dataset_changes import join_dataset
from footage.errors import StoreUnavailable
from footage.index_records import SceneFilter
from footage.leases import RunLease
from footage.sidecar import Manifest
from tests.archive import DAY_S, OTHER, Archive, uri_of
from tests.spans import FINGERPRINT, WORKSPACE

WHOLE = {"sidecars": 4, "thumbnails": 4, "videos": 1, "spans": 2, "sources": 1, "points": 4}
LATER_S = 2 * DAY_S
NEWER = "fedcba9876543210"  # a later pipeline


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """With a video that is in order, and the same in another workspace."""
    archive = Archive(tmp_path)
    archive.add("film", span_count=2)
    archive.add("film", span_count=2, workspace=OTHER)
    yield archive
    archive.close()


def film(archive: Archive) -> Manifest:
    video_id = archive.claim("film", "film", 2, "x", WORKSPACE, FINGERPRINT).video_id
    manifest = archive.catalog.manifest(video_id)
    assert manifest is not None
    return manifest


def in_the_annex(archive: Archive) -> dict[str, bytes]:
    return {key: data for key, data in archive.everything()["objects"].items() if f"/{OTHER}/" in key}


def test_in_a_store_that_is_in_order_nothing_is_found(archive: Archive) -> None:
    archive.add("copy", content="film", dataset="pilots")
    join_dataset(archive.catalog, "kept", archive.add("gone"))
    archive.remove("gone")
    before = archive.everything()
    assert archive.gc(later_s=LATER_S) == []
    assert archive.everything() == before


def test_a_video_that_is_gone_and_that_nothing_refers_to_goes(archive: Archive) -> None:
    before = archive.everything()
    video_id = archive.add("gone")
    archive.remove("gone")
    assert archive.gc(dry_run=True) == [("gone", video_id, False)]
    archive.out = True
    with pytest.raises(StoreUnavailable):
        archive.gc()
    archive.out = False
    assert archive.gc() == [("gone", video_id, True)]
    assert archive.everything() == before


def half(archive: Archive) -> str:
    """A run of which nothing is left but one span of two."""
    video_id = archive.add("half", span_count=2, only_spans=1)
    archive.remove("half")
    return video_id


def points_only(archive: Archive) -> str:
    video_id = archive.add("points")
    archive.remove("points")
    for key in list(archive.store.list("")):
        if video_id in key:
            archive.store.delete(key)
    return video_id


def reference_only(archive: Archive) -> str:
    archive.catalog.datasets.add("pilots", "00000000-0000-5000-8000-000000000001", None)
    return "00000000-0000-5000-8000-000000000001"


def mark_only(archive: Archive) -> str:
    archive.catalog.pending.add("describe", "00000000-0000-5000-8000-000000000001")
    return "00000000-0000-5000-8000-000000000001"


@pytest.mark.parametrize("left", [half, points_only, reference_only, mark_only])
def test_what_is_left_of_a_video_that_is_none_goes_after_the_grace_time(
    archive: Archive, left: Callable[[Archive], str]
) -> None:
    before = archive.everything()
    video_id = left(archive)
    if left is not points_only:  # points have no time, and are never without a claim while a run writes them
        assert archive.gc() == []
    assert archive.gc(later_s=LATER_S) == [("leftovers", video_id, True)]
    assert archive.everything() == before


def test_a_half_indexed_video_is_gone_on_with_until_the_grace_time_is_over(archive: Archive) -> None:
    video_id = half(archive)
    archive.gc()
    archive.add("half", span_count=2)
    assert archive.held(video_id) == WHOLE


def drop_sidecar(archive: Archive, manifest: Manifest) -> None:
    archive.store.delete(archive.catalog.sidecar_key(manifest.video_id, manifest.scenes[1].scene_id))


def drop_thumbnail(archive: Archive, manifest: Manifest) -> None:
    archive.store.delete(archive.catalog.thumbnail_key(manifest.video_id, manifest.scenes[0].scene_id))


def drop_points(archive: Archive, manifest: Manifest) -> None:
    archive.engine.delete_video(WORKSPACE, manifest.video_id)


@pytest.mark.parametrize("damage", [drop_sidecar, drop_thumbnail, drop_points])
def test_a_video_that_lost_a_part_is_indexed_anew_by_the_next_run(
    archive: Archive, damage: Callable[[Archive, Manifest], None]
) -> None:
    before, manifest = archive.everything(), film(archive)
    damage(archive, manifest)
    left = archive.everything()["points"]
    assert archive.gc() == [("damaged", manifest.video_id, True)]
    assert archive.everything()["points"] == left  # what is there stays searchable
    assert film(archive) == manifest.model_copy(update={"pipeline_fingerprint": UNFIT})
    assert archive.gc() == [("waiting", manifest.video_id, False)]
    archive.add("film", span_count=2)
    assert archive.gc() == []
    after = archive.everything()
    assert (after["points"], after["objects"].keys()) == (before["points"], before["objects"].keys())


def test_a_damaged_video_that_counts_as_indexed_is_given_back_again(archive: Archive) -> None:
    """A run that met it before it was given back may have recorded its source after that."""
    manifest = film(archive)
    record = archive.catalog.sources.get(uri_of("film"))
    assert record is not None
    drop_points(archive, manifest)
    archive.gc()
    archive.catalog.sources.put(record)
    assert archive.gc() == [("damaged", manifest.video_id, True)]
    assert archive.catalog.sources.get(uri_of("film")) is None


def test_what_a_manifest_does_not_name_goes(archive: Archive) -> None:
    before, manifest = archive.everything(), film(archive)
    archive.catalog.put_thumbnail(manifest.video_id, "00000000-0000-5000-8000-00000000000a", b"jpeg")
    assert archive.gc() == []  # it may be of a moment ago
    assert archive.gc(later_s=LATER_S) == [("surplus", manifest.video_id, True)]
    assert archive.everything() == before


def test_a_later_pipeline_that_stopped_half_way_is_taken_back(archive: Archive) -> None:
    manifest = film(archive)
    archive.add("film", span_count=2, fingerprint=NEWER, only_spans=1, texts=("a", "b", "c"))
    assert archive.held(manifest.video_id)["points"] == 7
    assert archive.gc() == []
    assert archive.gc(later_s=LATER_S) == [("surplus", manifest.video_id, True), ("claim", manifest.video_id, True)]
    held = archive.held(manifest.video_id)
    assert held == WHOLE | {"spans": 1}  # the other record is the later pipeline's: its points are gone
    assert archive.engine.count(SceneFilter(WORKSPACE)) == 4
    archive.add("film", span_count=2, fingerprint=NEWER, texts=("a", "b", "c"))
    assert [point.generation for point in archive.engine.points(SceneFilter(WORKSPACE))] == [NEWER] * 6
    assert archive.gc(later_s=LATER_S) == [("surplus", manifest.video_id, True)]  # scenes that only the older one had
    assert archive.gc(later_s=LATER_S) == []


def test_a_manifests_list_of_datasets_follows_the_references(archive: Archive) -> None:
    video_id = film(archive).video_id
    archive.catalog.datasets.add("pilots", video_id, None)
    archive.catalog.change_manifest(video_id, lambda held: held.model_copy(update={"datasets": ["drafts"]}))
    assert archive.gc() == [("datasets", video_id, True)]
    assert film(archive).datasets == ["pilots"]


def test_a_record_of_a_source_that_its_video_does_not_have_goes(archive: Archive) -> None:
    record = archive.catalog.sources.get(uri_of("film"))
    assert record is not None
    before = archive.everything()
    source = record.source.model_copy(update={"uri": uri_of("another")})
    archive.catalog.sources.put(record.model_copy(update={"source": source}))
    archive.catalog.sources.expect(record.model_copy(update={"source": source, "video_id": "0" * 36}))
    assert archive.gc() == []
    assert [(kind, done) for kind, _, done in archive.gc(later_s=LATER_S)] == [("source_record", True)] * 2
    assert archive.everything() == before


def test_marks_claims_and_leases_that_mean_nothing_any_more_go(archive: Archive) -> None:
    before, manifest = archive.everything(), film(archive)
    archive.catalog.pending.add("orphan", manifest.video_id)
    RunLease(archive.catalog, "killed", "footage gc", "", lease_s=0).take(datetime.now(UTC))
    assert archive.gc() == []
    take_for_deletion(archive.catalog, manifest, "dead", lease_s=0)
    assert archive.gc(later_s=LATER_S) == [
        ("mark", manifest.video_id, True),
        ("claim", manifest.video_id, True),
        ("lease", "killed", True),
    ]
    assert archive.everything() == before


def test_what_a_live_run_works_on_is_passed_over(archive: Archive) -> None:
    manifest = film(archive)
    drop_points(archive, manifest)
    lease = RunLease(archive.catalog, "run-x", "footage index films", "/films", lease_s=10 * DAY_S)
    lease.take(datetime.now(UTC))
    for name, content in (("film", "film"), ("gone", "gone")):
        claim = archive.claim(name, content, 2, "run-x", WORKSPACE, NEWER)
        assert take_claim(archive.catalog, claim, datetime.now(UTC)).how == "ours"
        archive.catalog.put_thumbnail(claim.video_id, "00000000-0000-5000-8000-00000000000a", b"jpeg")
    before = archive.everything()
    assert archive.gc(later_s=LATER_S) == []
    assert archive.everything() == before


def test_keys_that_footage_does_not_write_are_left_alone(archive: Archive) -> None:
    for key in (f"sidecars/{WORKSPACE}/readme.txt", f"videos/{WORKSPACE}/notes/a.json", f"sources/{WORKSPACE}/x/y"):
        archive.store.put(key, b"a")
    before = archive.everything()
    assert archive.gc(later_s=LATER_S) == []
    assert archive.everything() == before


def test_no_page_is_passed_over(archive: Archive) -> None:
    """70 videos are three pages of the walk, and their points are found by a scan of several pages."""
    names = [f"take {number}" for number in range(70)]
    ids = {name: archive.add(name) for name in names}
    gone = names[::9]
    for name in gone:
        archive.remove(name)
    for name in names[1::9]:
        for key in [key for key in archive.store.list("") if ids[name] in key]:
            archive.store.delete(key)
    found = archive.gc(later_s=LATER_S)
    assert sorted(subject for kind, subject, _ in found if kind == "gone") == sorted(ids[name] for name in gone)
    lost = sorted(ids[name] for name in names[1::9])
    assert sorted(subject for kind, subject, _ in found if kind == "leftovers") == lost
    assert len(found) == len(gone) + len(lost)
    assert archive.gc(later_s=LATER_S) == []
    assert archive.engine.count(SceneFilter(WORKSPACE, live_only=False)) == 4 + 2 * (70 - len(found))


def mess(archive: Archive) -> None:
    """All of it at once."""
    archive.catalog.datasets.remove("pilots", archive.add("gone", dataset="pilots"))
    archive.remove("gone")
    half(archive)
    reference_only(archive)
    archive.catalog.datasets.add("kept", film(archive).video_id, None)
    damaged = archive.add("damaged")
    archive.engine.delete_video(WORKSPACE, damaged)
    newer = archive.add("newer", span_count=2)
    archive.add("newer", span_count=2, fingerprint=NEWER, only_spans=1, texts=("a", "b", "c"))
    archive.catalog.pending.add("orphan", newer)


def test_a_gc_that_is_killed_is_ended_by_the_next(archive: Archive) -> None:
    mess(archive)
    annex = in_the_annex(archive)
    ended = None
    for writes in archive.each_crash(lambda: archive.gc(later_s=LATER_S)):
        for _ in range(2):  # the second ends what the first was cut off in, and a claim of that is found once more
            archive.gc(later_s=LATER_S)
        left = archive.gc(later_s=LATER_S)
        assert [kind for kind, _, _ in left] == ["waiting"], writes
        assert in_the_annex(archive) == annex
        now = archive.everything()
        ended = ended or now
        assert (now["points"], now["objects"].keys()) == (ended["points"], ended["objects"].keys()), writes
    assert writes > 40
