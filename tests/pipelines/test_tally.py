"""What a run says of itself while it goes."""

from typing import Any

from footage.catalog_records import RunCounts
from footage.records import Source
from footage.transfers import Transferred
from pipelines.reconcile import Settled
from pipelines.tally import Tally

SOURCES = [Source(f"file:///films/{name}.mp4", "e", 1000) for name in "abc"]


def outcome(name: str, status: str, **changes: Any) -> dict[str, Any]:
    row = {"source_uri": f"file:///films/{name}.mp4", "status": status, "video_id": name, "read_at": ""}
    return row | {"scene_count": 2, "duration_s": 10.04, "span_count": 2} | changes


def test_counts_for_the_lease_follow_the_outcomes() -> None:
    tally = Tally(to_do=5, bytes_total=5000, skipped=7, moved_before=Transferred(0, 0))
    assert tally.counts() == RunCounts(
        videos_found=5,
        videos_done=0,
        videos_skipped=7,
        videos_quarantined=0,
        media_s=0,
        bytes_done=0,
        bytes_total=5000,
    )
    tally.begin(SOURCES)
    tally.add(outcome("a", "committed"))
    tally.add(outcome("a", "video_done"))
    tally.add(outcome("b", "failed", span_count=1))
    tally.add(outcome("c", "duplicate", span_count=1))
    assert tally.counts() == RunCounts(
        videos_found=5,
        videos_done=2,
        videos_skipped=7,
        videos_quarantined=1,
        scenes=4,
        media_s=20.08,
        bytes_done=3000,
        bytes_total=5000,
    )


def test_scenes_are_counted_by_what_became_of_their_video() -> None:
    tally = Tally(to_do=3, bytes_total=3000, skipped=0, moved_before=Transferred(0, 0))
    tally.begin(SOURCES)
    tally.add(outcome("a", "committed"))
    tally.add(outcome("b", "committed", scene_count=5))
    assert tally.scenes == {"done": 0, "quarantined": 0}
    tally.add(outcome("a", "video_done"))
    assert tally.scenes == {"done": 4, "quarantined": 0}
    tally.add(outcome("b", "failed"))
    tally.settle(SOURCES, Settled(done={SOURCES[0].uri}, duplicate=set(), quarantined={SOURCES[1].uri}, elsewhere={}))
    assert tally.scenes == {"done": 4, "quarantined": 5}
    assert tally.released == 2
