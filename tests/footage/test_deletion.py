from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from footage.claiming import take_claim
from footage.dataset_changes import join_dataset, leave_dataset
from footage.deletion import Decision, Verdict, judge
from footage.errors import StoreUnavailable
from footage.leases import RunLease
from tests.archive import OTHER, Archive, uri_of
from tests.spans import WORKSPACE

WHOLE = {"sidecars": 2, "thumbnails": 2, "videos": 1, "spans": 1, "sources": 1, "points": 2}
GONE: dict[str, int] = {}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path)
    archive.add("bystander", dataset="pilots")
    archive.add("film", workspace=OTHER)
    yield archive
    archive.close()


@pytest.mark.parametrize(
    ("present", "referenced", "force", "verdict"),
    [
        (["u"], ["d"], False, Verdict("keep", "Its source u is there, and dataset d refers to it.")),
        ([], ["d", "c"], False, Verdict("keep", "Its source is gone, but datasets c, d refer to it.")),
        ([], [], False, Verdict("delete", "Its source is gone, and no dataset refers to it.")),
        (["u"], [], False, Verdict("keep", "Its source u is there, but no dataset refers to it.")),
        (["u"], ["d"], True, Verdict("delete", "Forced, though its source u is there and dataset d refers to it.")),
        ([], ["d"], True, Verdict("delete", "Forced, though dataset d refers to it.")),
        ([], [], True, Verdict("delete", "Its source is gone, and no dataset refers to it.")),
        (["u"], [], True, Verdict("delete", "Forced, though its source u is there.")),
    ],
)
def test_the_four_cases_and_what_force_makes_of_them(
    present: list[str], referenced: list[str], force: bool, verdict: Verdict
) -> None:
    assert judge(present, referenced, force) == verdict


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("dataset", [None, "pilots"])
@pytest.mark.parametrize("present", [False, True])
def test_a_video_goes_in_one_of_four_cases_or_when_forced(
    archive: Archive, present: bool, dataset: str | None, force: bool, dry_run: bool
) -> None:
    video_id = archive.add("film", dataset=dataset)
    if not present:
        archive.remove("film")
    before = archive.everything()
    verdict = judge([uri_of("film")] if present else [], [dataset] if dataset else [], force)
    decided = list(archive.deleter(force=force, dry_run=dry_run).videos([video_id, "no such video"]))
    assert decided == [Decision(video_id, uri_of("film"), *verdict)]
    if verdict.action == "keep" or dry_run:
        assert archive.everything() == before
    else:
        left = archive.everything()
        gone = [key for key in before["objects"] if key not in left["objects"]]
        assert archive.held(video_id) == GONE
        assert before["objects"] == left["objects"] | {key: before["objects"][key] for key in gone}
        assert all(video_id in key for key in gone)
        assert len(before["points"]) - len(left["points"]) == 2


def test_an_original_that_footage_deleted_counts_as_there(archive: Archive) -> None:
    video_id = archive.add("film")
    archive.remove("film")
    manifest = archive.catalog.manifest(video_id)
    assert manifest is not None
    deleted = [source.model_copy(update={"deleted_at": "monday"}) for source in manifest.sources]
    archive.catalog.change_manifest(video_id, lambda held: held.model_copy(update={"sources": deleted}))
    [decision] = archive.deleter().videos([video_id])
    assert (decision.action, archive.gc()) == ("keep", [])


def test_an_outage_deletes_nothing(archive: Archive) -> None:
    video_id = archive.add("film")
    archive.remove("film")
    archive.out = True
    before = archive.everything()
    for decisions in (
        archive.deleter().videos([video_id]),
        archive.deleter().source("/films"),
        archive.deleter().dataset("pilots"),
    ):
        with pytest.raises(StoreUnavailable):
            list(decisions)
    assert archive.everything() == before


def test_a_source_takes_its_video_along_when_it_is_gone(archive: Archive) -> None:
    kept, gone = archive.add("kept"), archive.add("gone")
    archive.remove("gone")
    decided = list(archive.deleter().source("/films"))
    assert sorted((decision.name, decision.action) for decision in decided) == [
        (uri_of("bystander"), "keep"),
        (uri_of("gone"), "delete"),
        (uri_of("kept"), "keep"),
    ]
    assert (archive.held(gone), archive.held(kept)) == (GONE, WHOLE)
    [decision] = archive.deleter(force=True).source(uri_of("kept"))
    assert (decision.action, archive.held(kept)) == ("delete", GONE)
    assert archive.held(archive.add("bystander")) == WHOLE | {"datasets": 1}


def test_a_video_that_is_also_elsewhere_only_loses_the_source(archive: Archive) -> None:
    video_id = archive.add("film")
    archive.add("copy", content="film", dataset="pilots")
    archive.remove("copy")
    [decision] = archive.deleter().source(uri_of("copy"))
    assert decision == Decision(video_id, uri_of("copy"), "keep", f"Its bytes are also at {uri_of('film')}.")
    manifest = archive.catalog.manifest(video_id)
    assert manifest is not None
    assert [source.uri for source in manifest.sources] == [uri_of("film")]
    assert archive.catalog.sources.get(uri_of("copy")) is None

    before = archive.everything()
    archive.add("copy", content="film")
    [decision] = archive.deleter().source(uri_of("copy"))  # it is there: it is not forgotten, unless forced
    assert archive.catalog.sources.get(uri_of("copy")) is not None
    [decision] = archive.deleter(force=True).source(uri_of("copy"))
    assert (decision.action, archive.everything()["objects"].keys()) == ("keep", before["objects"].keys())


@pytest.mark.parametrize("force", [False, True])
def test_a_dataset_takes_along_what_only_it_refers_to(archive: Archive, force: bool) -> None:
    gone, shared = archive.add("gone", dataset="drafts"), archive.add("shared", dataset="drafts")
    here = archive.add("here", dataset="drafts")
    for name in ("gone", "shared"):
        archive.remove(name)
    assert join_dataset(archive.catalog, "kept", shared)
    decided = {one.name: one.action for one in archive.deleter(force=force).dataset("drafts")}
    assert decided == {
        uri_of("gone"): "delete",
        uri_of("shared"): "keep",
        uri_of("here"): "delete" if force else "keep",
    }
    assert list(archive.catalog.datasets.names()) == ["kept", "pilots"]
    assert (archive.held(gone), archive.held(shared)) == (GONE, WHOLE | {"datasets": 1})
    assert archive.held(here) == (GONE if force else WHOLE)
    manifest = archive.catalog.manifest(shared)
    assert manifest is not None
    assert manifest.datasets == ["kept"]


def test_what_a_live_run_works_on_stays(archive: Archive) -> None:
    video_id = archive.add("film")
    claim = archive.claim("film", "film", 1, "run-x", WORKSPACE, "another pipeline")
    lease = RunLease(archive.catalog, "run-x", "footage index films", "/films", lease_s=60)
    lease.take(datetime.now(UTC))
    assert take_claim(archive.catalog, claim, datetime.now(UTC)).how == "ours"
    before = archive.everything()
    [decision] = archive.deleter(force=True).videos([video_id])
    assert decision.action == "keep"
    assert decision.why == "A run works on it, or has just found it again. Try again later."
    assert archive.everything() == before
    lease.release()
    [decision] = archive.deleter(force=True).videos([video_id])
    assert (decision.action, archive.held(video_id)) == ("delete", GONE)


@pytest.mark.parametrize("joins", ["source", "dataset"])
def test_what_joins_a_video_while_it_is_judged_keeps_it(archive: Archive, joins: str) -> None:
    video_id = archive.add("film")
    archive.remove("film")

    def is_present(uri: str) -> bool:
        if joins == "source":
            archive.add("copy", content="film")
        else:
            assert join_dataset(archive.catalog, "pilots", video_id)
        return False

    [decision] = replace(archive.deleter(), is_present=is_present).videos([video_id])
    assert (decision.action, archive.held(video_id)["points"]) == ("keep", 2)

    if joins == "source":
        archive.remove("copy")
    else:
        leave_dataset(archive.catalog, "pilots", video_id)
    [decision] = archive.deleter().videos([video_id])
    assert (decision.action, archive.held(video_id)) == ("delete", GONE)


@pytest.mark.parametrize("again", ["command", "gc"])
@pytest.mark.parametrize("what", ["video", "dataset"])
def test_a_deletion_that_is_killed_is_ended_by_the_same_command_or_by_gc(
    archive: Archive, what: str, again: str
) -> None:
    """Of a video with two sources that are both there, in a dataset: forced, since it may not go otherwise."""
    untouched = archive.everything()
    video_id = archive.add("film", dataset="drafts", span_count=2)
    archive.add("copy", content="film")

    def run() -> None:
        deleter = archive.deleter(force=True)
        list(deleter.videos([video_id]) if what == "video" else deleter.dataset("drafts"))

    for writes in archive.each_crash(run):
        if again == "command":
            run()
        archive.gc(grace_s=0, later_s=1)
        if again == "gc" and archive.held(video_id):  # killed before it was decided for good, and gc forces nothing
            assert (archive.held(video_id)["points"], archive.catalog.datasets.of_video(video_id)) == (4, ["drafts"])
            run()
        assert archive.everything() == untouched, writes
        assert archive.gc(grace_s=0, later_s=1) == []
    assert writes > 20
