"""What every VectorIndex does with videos and their descriptions. A new engine has to pass all of it."""

import pickle

import numpy as np
import pytest

from footage.errors import IndexMismatch
from footage.index import VectorIndex
from footage.index_records import VideoHit
from tests.points import as_described, described, scene, video, write


def test_videos_are_found_by_their_descriptions(index: VectorIndex) -> None:
    near, far = video("v1", [0.6, 0.8, 0, 0], language="ko"), video("v2", [0, 0.8, 0.6, 0])
    index.put_descriptions([near, far, video("v1", [1, 0, 0, 0], workspace="away")])
    asked = np.asarray([1, 0, 0, 0], np.float32)
    found = index.search_videos(asked, "home", (), 10)
    assert found == [VideoHit(near.video_id, pytest.approx(0.6)), VideoHit(far.video_id, pytest.approx(0.0, abs=1e-6))]
    assert index.search_videos(asked, "home", (), 1) == found[:1]
    assert index.search_videos(asked, "home", (far.video_id, "nobody"), 10) == found[1:]
    assert index.search_videos(asked, "nowhere", (), 10) == []
    assert described(index) == as_described(near, far)
    assert pickle.loads(pickle.dumps(found)) == found


def test_equal_descriptions_come_by_id(index: VectorIndex) -> None:
    same = [video(f"v{number}", [0.6, 0.8, 0, 0]) for number in range(9)]
    index.put_descriptions(same)
    found = index.search_videos(np.asarray([1, 0, 0, 0], np.float32), "home", (), 10)
    assert [hit.video_id for hit in found] == sorted(point.video_id for point in same)


def test_a_description_replaces_the_one_before(index: VectorIndex) -> None:
    index.put_descriptions([])
    index.put_descriptions([video("v1", [1, 0, 0, 0]), video("v2", [0, 1, 0, 0])])
    changed = video("v1", [0, 0, 0, 1], language="de")
    for _ in range(2):
        index.put_descriptions([changed])
    assert described(index) == as_described(changed, video("v2", [0, 1, 0, 0]))


def test_a_description_goes_with_the_scenes_that_it_is_of(index: VectorIndex) -> None:
    write(index, scene("v1/0"), scene("v2/0"), scene("v1/0", workspace="away"))
    older, other, away = video("v1", [1, 0, 0, 0]), video("v2", [0, 1, 0, 0]), video("v1", [1, 0, 0, 0], "away")
    index.put_descriptions([older, other, away])
    index.publish("home", older.video_id, "g1")  # a completion that is done again
    assert described(index) == as_described(older, other)

    write(index, scene("v1/0", generation="g2"))
    assert described(index) == as_described(other)
    index.put_descriptions([older])  # as it is described anew, of the new scenes
    index.publish("home", older.video_id, "g2")
    assert described(index) == as_described(older, other)

    index.delete_video("home", older.video_id)
    assert (described(index), described(index, "away")) == (as_described(other), as_described(away))


@pytest.mark.parametrize("vector", [[1.0, 0.0], [1.0, 0.0, 0.0, float("nan")]])
def test_a_description_that_does_not_fit_is_refused_with_all_that_come_with_it(
    index: VectorIndex, vector: list[float]
) -> None:
    with pytest.raises(
        IndexMismatch, match=r"The description vector of video .* has shape .*holds finite vectors of 4"
    ):
        index.put_descriptions([video("v1", [1, 0, 0, 0]), video("v2", vector)])
    assert index.descriptions("home") == []
