"""Searches by a picture, by a scene, and for what is similar to one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.scene_searcher import SceneSearcher
from footage.errors import NoSuchScene, SettingsError
from footage.pipeline_settings import SearchSettings
from footage.relevance_settings import RelevanceCurve, RelevanceSettings
from footage.search import SearchRequest, SearchResponse, SimilarRequest
from footage.store_reads import StoreReads
from tests.memory_folder import memory_folder
from tests.spans import WORKSPACE
from tests.studio import Studio, WordEncoder


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """Only for reading."""
    with memory_folder() as folder:
        yield from filled(folder)


def filled(folder: Path) -> Iterator[Studio]:
    studio = Studio(folder)
    studio.add(
        "street", ("red car", "", "blue house"), ("red car", "red", "blue car"), captions=("house", "car", "car")
    )
    studio.add("garden", ("blue car", ""), ("blue", "blue blue car"))
    yield studio
    studio.index.close()


def searcher(studio: Studio, **settings: object) -> SceneSearcher:
    return SceneSearcher(
        studio.index, StoreReads(studio.store), WordEncoder(), SearchSettings(**settings), frozenset({"image"})
    )


def names(studio: Studio, answer: SearchResponse) -> list[str]:
    by_id = {scene_id: name for name, scene_id in studio.scene_ids.items()}
    return [by_id[hit.scene_id] for hit in answer.hits]


def test_a_picture_alone_finds_what_looks_like_it(studio: Studio) -> None:
    answer = searcher(studio).search(SearchRequest(workspace=WORKSPACE), b"red")
    assert names(studio, answer)[:2] == ["street/1", "street/0"]
    assert [(asked.list, asked.found, asked.toy) for asked in answer.lists] == [("image", 5, True)]
    best = answer.hits[0]
    assert [(why.list, why.rank) for why in best.why] == [("image", 1)]
    assert best.why[0].score == pytest.approx(1, abs=1e-3)
    assert (answer.query, best.highlights, best.caption_highlights) == (None, [], [])


def test_a_picture_and_words_count_both(studio: Studio) -> None:
    request = SearchRequest(query="blue", workspace=WORKSPACE)
    seen, said = searcher(studio, rrf_k=1, image_weight=9), searcher(studio, rrf_k=1, image_weight=0.1)
    both = seen.search(request, b"red car")
    assert [asked.list for asked in both.lists] == ["transcript", "transcript_sparse", "visual", "caption", "image"]
    assert names(studio, both)[0] == "street/0"
    assert names(studio, said.search(request, b"red car"))[0] == "street/2"
    only = request.model_copy(update={"lists": ["image"]})
    assert [asked.list for asked in said.search(only, b"red car").lists] == ["image"]


def test_a_scene_finds_what_looks_like_it_and_itself(studio: Studio) -> None:
    scene = studio.scene_ids["street/2"]  # a blue car, on which somebody says "blue house"
    by_scene = searcher(studio).search(SearchRequest(scene_id=scene, workspace=WORKSPACE))
    by_picture = searcher(studio).search(SearchRequest(workspace=WORKSPACE), b"blue car")
    assert names(studio, by_scene) == names(studio, by_picture)
    assert names(studio, by_scene)[0] == "street/2"


def test_similar_scenes_are_so_in_all_that_a_scene_has(studio: Studio) -> None:
    request = SimilarRequest(scene_id=studio.scene_ids["street/0"], workspace=WORKSPACE)
    answer = searcher(studio).similar(request)
    assert {asked.list: asked.found for asked in answer.lists} == {
        "transcript": 2,  # said elsewhere, and not the scene itself
        "transcript_sparse": 1,  # a car
        "caption": 2,
        "image": 4,
    }
    assert "street/0" not in names(studio, answer)
    assert answer.query is None
    seen = searcher(studio).similar(request.model_copy(update={"modes": {"spoken": 0, "captioned": 0}}))
    assert names(studio, seen)[0] == "street/1"
    silent = SimilarRequest(scene_id=studio.scene_ids["garden/1"], workspace=WORKSPACE, limit=1)
    answer = searcher(studio).similar(silent)
    assert ([asked.list for asked in answer.lists], names(studio, answer)) == (["image"], ["street/2"])
    within = silent.model_copy(update={"lists": ["caption"]})
    with pytest.raises(
        SettingsError, match="it is to go by caption, and what it looks for can be found by picture only"
    ):
        searcher(studio).similar(within)


def test_similar_scenes_fill_lists_of_their_length_without_the_scene(studio: Studio) -> None:
    request = SimilarRequest(scene_id=studio.scene_ids["street/0"], workspace=WORKSPACE, limit=1, lists=["image"])
    answer = searcher(studio, candidates=2).similar(request)
    assert [asked.found for asked in answer.lists] == [2]


@pytest.mark.parametrize("workspace", [WORKSPACE, "away"])
def test_a_scene_of_nobody_or_of_another_workspace_is_not_there(studio: Studio, workspace: str) -> None:
    theirs = studio.scene_ids["street/0"]
    unknown = "00000000-0000-5000-8000-000000000001" if workspace == WORKSPACE else theirs
    with pytest.raises(NoSuchScene, match=f"No scene {unknown} can be found in this workspace"):
        searcher(studio).search(SearchRequest(scene_id=unknown, workspace=workspace))
    with pytest.raises(NoSuchScene):
        searcher(studio).similar(SimilarRequest(scene_id=unknown, workspace=workspace))


def test_nothing_or_two_pictures_to_look_for_are_refused(studio: Studio) -> None:
    with pytest.raises(SettingsError, match="say what to look for, in words or by a picture or a scene"):
        searcher(studio).search(SearchRequest(workspace=WORKSPACE))
    with pytest.raises(SettingsError, match="a picture or a scene, not both"):
        searcher(studio).search(SearchRequest(scene_id=studio.scene_ids["street/0"], workspace=WORKSPACE), b"red")


def test_what_is_similar_is_neither_right_nor_wrong(studio: Studio) -> None:
    """Curves are of what answers a search; under these nothing would be left."""
    strict = RelevanceCurve(half=2, slope=50)
    curves = RelevanceSettings(transcript=strict, transcript_sparse=strict, caption=strict, image=strict)
    request = SimilarRequest(scene_id=studio.scene_ids["street/0"], workspace=WORKSPACE)
    calibrated = searcher(studio, relevance=curves).similar(request)
    assert [hit.scene_id for hit in calibrated.hits] == [hit.scene_id for hit in searcher(studio).similar(request).hits]
    assert {hit.relevance for hit in calibrated.hits} == {None}
    assert calibrated.left_out == 0
