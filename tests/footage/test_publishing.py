"""What every VectorIndex does when a video becomes searchable. A new engine has to pass all of it."""

from footage.index import VectorIndex
from footage.index_records import SceneFilter
from tests.points import ALL, LIVE, ids, names, scene, write


def test_nothing_is_seen_before_it_is_published(index: VectorIndex) -> None:
    index.upsert([scene("v1/0"), scene("v2/0")])
    assert (index.count(LIVE), index.count(ALL)) == (0, 2)
    index.publish("home", scene("v1/0").video_id, "g1")
    assert names(index, LIVE) == ids(scene("v1/0"))


def test_what_is_live_stays_live_when_it_is_written_again(index: VectorIndex) -> None:
    write(index, scene("v1/0"))
    index.upsert([scene("v1/0"), scene("v1/10")])
    assert names(index, LIVE) == ids(scene("v1/0"))


def test_publishing_a_generation_removes_the_others(index: VectorIndex) -> None:
    old = [scene("v1/0"), scene("v1/10"), scene("v2/0")]
    new = [scene("v1/0", generation="g2"), scene("v1/12", generation="g2")]
    write(index, *old)
    index.upsert(new)
    assert names(index, LIVE) == ids(*old)
    for _ in range(2):
        index.publish("home", new[0].video_id, "g2")
        found = {(point.scene_id, point.generation) for point in index.points(ALL)}
        assert found == {(old[2].scene_id, "g1"), (new[0].scene_id, "g2"), (new[1].scene_id, "g2")}
        assert names(index, LIVE) == ids(new[0], new[1], old[2])


def test_who_lost_a_video_removes_nothing_of_who_took_it(index: VectorIndex) -> None:
    mine, older, taken = (
        scene("v1/0", generation="g2", claim_generation=2),
        scene("v1/0"),  # of the first claim
        scene("v1/0", generation="g3", claim_generation=3),
    )
    index.upsert([mine, older, taken])
    index.publish("home", mine.video_id, "g2", claim_generation=2)
    assert {(point.generation, point.claim_generation) for point in index.points(ALL)} == {("g2", 2), ("g3", 3)}
    index.publish("home", mine.video_id, "g3", claim_generation=3)
    assert [point.generation for point in index.points(LIVE)] == ["g3"]
    index.upsert([mine])
    index.publish("home", mine.video_id, "g2")
    assert [point.generation for point in index.points(ALL)] == ["g2"]


def test_publishing_touches_no_other_workspace(index: VectorIndex) -> None:
    write(index, scene("v1/0", workspace="away"))
    write(index, scene("v1/0", generation="g2"))
    assert index.count(SceneFilter("away")) == 1
