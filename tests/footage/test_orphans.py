from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from footage.dataset_changes import join_dataset
from footage.leases import RunLease
from footage.orphans import remove_orphans
from tests.archive import OTHER, Archive, uri_of

WHOLE = {"sidecars": 4, "thumbnails": 4, "videos": 1, "spans": 2, "points": 4}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[tuple[Archive, str]]:
    """An archive in which a file was replaced: `old`, of two spans, has no source any more. Gives its id, too."""
    archive = Archive(tmp_path)
    archive.add("film", workspace=OTHER)
    archive.add("bystander", dataset="pilots")
    old = archive.add("film", content="take 1", dataset="pilots", span_count=2)
    archive.add("film", content="take 2", dataset="pilots")
    yield archive, old
    archive.close()


def removed(archive: Archive) -> list[str]:
    return remove_orphans(archive.catalog, archive.index, archive.new_run(), lease_s=0)


def test_a_video_whose_file_was_replaced_leaves_nothing(shelf: tuple[Archive, str]) -> None:
    archive, old = shelf
    assert archive.held(old) == WHOLE | {"pending": 1}
    before = archive.everything()["objects"]
    assert removed(archive) == [old]
    assert archive.held(old) == {}
    after = archive.everything()["objects"]
    assert after == {key: data for key, data in before.items() if old not in key}
    assert removed(archive) == []


def test_only_marked_videos_are_looked_at(shelf: tuple[Archive, str]) -> None:
    archive, old = shelf
    archive.catalog.pending.remove("orphan", old)
    assert removed(archive) == []
    assert archive.gc() == [("gone", old, True)]


def test_a_renamed_file_keeps_its_video(shelf: tuple[Archive, str]) -> None:
    """The run reaches the new name after the old name's new content is done."""
    archive, old = shelf
    assert archive.add("renamed", content="take 1") == old
    assert removed(archive) == []
    assert archive.held(old) == WHOLE | {"sources": 1}  # and no mark


def test_a_dataset_keeps_its_video_by_name_but_not_by_a_source_that_has_another_content(
    shelf: tuple[Archive, str],
) -> None:
    archive, old = shelf
    assert archive.catalog.datasets.of_video(old) == []
    assert join_dataset(archive.catalog, "kept", old)
    assert removed(archive) == []
    assert archive.held(old) == WHOLE | {"datasets": 1}


def test_while_another_run_goes_on_orphans_wait_for_it(shelf: tuple[Archive, str]) -> None:
    archive, old = shelf
    lease = RunLease(archive.catalog, "another", "footage index films", "/films", lease_s=60)
    lease.take(datetime.now(UTC))
    assert removed(archive) == []
    assert archive.held(old) == WHOLE | {"pending": 1}
    lease.release()
    gc = RunLease(archive.catalog, "gc", "footage gc", "", lease_s=60)  # it finds no files
    gc.take(datetime.now(UTC))
    assert removed(archive) == [old]


def test_a_removal_that_was_cut_off_is_ended_by_the_next_run(shelf: tuple[Archive, str]) -> None:
    archive, old = shelf
    untouched = {key: data for key, data in archive.everything()["objects"].items() if old not in key}
    for writes in archive.each_crash(lambda: removed(archive)):
        removed(archive)
        found = archive.gc(grace_s=0, later_s=1)
        assert {kind for kind, _, _ in found} <= {"leftovers"}, writes  # the claim, given back last
        assert archive.everything()["objects"] == untouched
    assert writes > 15


def test_content_that_comes_back_in_between_is_indexed_anew(shelf: tuple[Archive, str]) -> None:
    archive, old = shelf
    for writes in archive.each_crash(lambda: removed(archive)):
        archive.add("copy", content="take 1", span_count=2)
        assert removed(archive) == []
        manifest = archive.catalog.manifest(old)
        assert manifest is not None
        assert ([source.uri for source in manifest.sources], len(manifest.scenes)) == ([uri_of("copy")], 4)
        found = archive.gc(grace_s=0, later_s=1)
        assert {kind for kind, _, _ in found} <= {"claim"}, writes  # killed before it was given up
        assert archive.held(old) == WHOLE | {"sources": 1}
