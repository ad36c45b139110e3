"""An answer in pages, sorted, grouped, made diverse: one order, whatever part of it is asked for."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.scene_searcher import SceneSearcher
from footage.pipeline_settings import SearchSettings
from footage.relevance_settings import RelevanceCurve, RelevanceSettings
from footage.search import SearchRequest, SearchResponse
from footage.store_reads import StoreReads
from tests.memory_folder import memory_folder
from tests.spans import WORKSPACE, claim_of
from tests.studio import Studio, WordEncoder

SAID = ("red car", "blue car car", "", "blue house", "red", "car")
SHOWN = ("blue", "red car", "red", "blue blue car", "red red car", "car")
SHORT = SearchSettings(candidates=2)  # longer lists have to be asked for several times


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """Eighteen scenes in three videos, each indexed later than the one before; only for reading."""
    with memory_folder() as folder:
        yield from filled(folder)


def filled(folder: Path) -> Iterator[Studio]:
    studio = Studio(folder)
    for turn, name in enumerate(("street", "garden", "harbour")):
        studio.add(name, SAID[turn:] + SAID[:turn], SHOWN[2 * turn :] + SHOWN[: 2 * turn])
    yield studio
    studio.index.close()


def ask(studio: Studio, settings: SearchSettings = SHORT, **request: object) -> SearchResponse:
    searcher = SceneSearcher(studio.index, StoreReads(studio.store), WordEncoder(), settings)
    return searcher.search(SearchRequest(query="red car", workspace=WORKSPACE, **request))


def pages(studio: Studio, limit: int, **request: object) -> list[str]:
    """The scenes of all pages, one after the other."""
    shown, offset = [], 0
    while offset is not None:
        answer = ask(studio, limit=limit, offset=offset, **request)
        assert answer.hits
        assert len(answer.hits) == limit or answer.next_offset is None
        shown += [hit.scene_id for hit in answer.hits]
        offset = answer.next_offset
    return shown


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ({}, 18),
        ({"sort": "date"}, 2),  # nothing says what is relevant: the best `candidates`
        ({"diversity": 0.6}, 18),
        ({"group_by_video": True}, 3),
        ({"group_by_video": True, "diversity": 1.0}, 3),
        ({"video_ids": [claim_of("street", 1).video_id]}, 6),
    ],
)
def test_pages_of_any_length_show_the_same(studio: Studio, request_: dict[str, object], count: int) -> None:
    whole = ask(studio, limit=100, **request_)
    shown = [hit.scene_id for hit in whole.hits]
    assert len(set(shown)) == len(shown)
    assert len(shown) == count
    assert whole.next_offset is None
    for limit in (1, 2, 3, 7):
        assert pages(studio, limit, **request_) == shown


def test_the_same_scene_has_the_same_reasons_on_any_page(studio: Studio) -> None:
    whole = ask(studio, limit=100)
    (second,) = ask(studio, limit=1, offset=1).hits
    assert second == whole.hits[1]
    assert second.score == pytest.approx(sum(why.contribution for why in second.why))


def test_scenes_that_are_gone_shift_no_page(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.add("street", SAID, SHOWN)
    shown = pages(studio, 2)
    video_id = claim_of("street", 1).video_id
    studio.store.delete(studio.catalog.sidecar_key(video_id, shown[1]))

    first = ask(studio, limit=2)
    second = ask(studio, limit=2, offset=first.next_offset)

    assert [hit.scene_id for hit in (*first.hits, *second.hits)] == [shown[0], *shown[2:5]]
    assert first.next_offset == 3
    studio.index.close()


def test_the_latest_indexed_come_first(studio: Studio) -> None:
    answer = ask(studio, SearchSettings(candidates=50), sort="date", limit=100)
    times = [hit.indexed_at for hit in answer.hits]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 3
    latest = [hit.scene_id for hit in answer.hits if hit.indexed_at == times[0]]
    by_relevance = [hit.scene_id for hit in ask(studio, SearchSettings(candidates=50), limit=100).hits]
    assert latest == [scene_id for scene_id in by_relevance if scene_id in latest]


def test_a_search_keeps_to_when_scenes_were_indexed_and_how_long_they_last(studio: Studio) -> None:
    second, latest = sorted({hit.indexed_at for hit in ask(studio, limit=100).hits})[1:]
    assert {hit.indexed_at for hit in ask(studio, indexed_since=latest, limit=100).hits} == {latest}
    assert {hit.indexed_at for hit in ask(studio, indexed_since=second, limit=100).hits} == {second, latest}
    assert len(ask(studio, min_duration_s=1.6, max_duration_s=1.7, limit=100).hits) == 18  # 10 s in 6 scenes
    assert ask(studio, min_duration_s=1.7).hits == ask(studio, max_duration_s=1.6).hits == []


def test_what_is_unlike_earlier_hits_comes_up(studio: Studio) -> None:
    plain = [hit.scene_id for hit in ask(studio, limit=100, lists=["visual"]).hits]
    diverse = [hit.scene_id for hit in ask(studio, limit=100, lists=["visual"], diversity=0.9).hits]
    assert diverse[0] == plain[0]
    assert sorted(diverse) == sorted(plain)

    by_id = {scene_id: name for name, scene_id in studio.scene_ids.items()}
    turns = {"street": 0, "garden": 2, "harbour": 4}

    def shown(scene_id: str) -> str:
        video, _, number = by_id[scene_id].partition("/")
        return (SHOWN[turns[video] :] + SHOWN[: turns[video]])[int(number)]

    assert len({shown(scene_id) for scene_id in plain[:3]}) == 1  # the three videos show the same pictures
    assert len({shown(scene_id) for scene_id in diverse[:3]}) == 3


# By the picture alone: a cosine of 0.9 is as likely an answer as none.
CALIBRATED = SearchSettings(candidates=2, relevance=RelevanceSettings(visual=RelevanceCurve(half=0.9, slope=40)))


def test_what_is_not_relevant_is_left_out_and_counted(studio: Studio) -> None:
    answer = ask(studio, CALIBRATED, lists=["visual"], limit=100)
    scores = sorted((hit.why[0].score for hit in ask(studio, lists=["visual"], limit=100).hits), reverse=True)
    assert [hit.why[0].score for hit in answer.hits] == [score for score in scores if score >= 0.9]
    assert [hit.relevance for hit in answer.hits] == [
        pytest.approx(1 / (1 + math.exp(-40 * (hit.why[0].score - 0.9)))) for hit in answer.hits
    ]
    assert 0 < len(answer.hits) < 18
    assert answer.next_offset is None
    assert answer.left_out > 0
    assert answer.lists[0].found < 18  # no longer lists were asked for than what is relevant needs

    everything = ask(studio, CALIBRATED, lists=["visual"], limit=100, min_relevance=0)
    assert (len(everything.hits), everything.left_out) == (18, 0)
    nothing = ask(studio, CALIBRATED, lists=["visual"], limit=100, min_relevance=1)
    assert (nothing.hits, nothing.next_offset, nothing.left_out) == ([], None, 2)


def test_words_count_by_their_share_of_all_that_is_asked_for(studio: Studio) -> None:
    words = SearchSettings(relevance=RelevanceSettings(transcript_sparse=RelevanceCurve(half=0.3, slope=5)))
    hits = ask(studio, words, lists=["transcript_sparse"], min_relevance=0).hits
    assert len({hit.relevance for hit in hits}) > 1
    for hit in hits:  # two words of weight 1 are asked for
        assert hit.relevance == pytest.approx(1 / (1 + math.exp(-5 * (hit.why[0].score / 2 - 0.3))))


def test_a_list_that_is_not_calibrated_leaves_nothing_out(studio: Studio) -> None:
    answer = ask(studio, CALIBRATED, lists=["transcript"], limit=100)
    assert len(answer.hits) == 15
    assert {hit.relevance for hit in answer.hits} == {None}


@pytest.mark.parametrize("request_", [{}, {"sort": "date"}, {"diversity": 0.5}, {"group_by_video": True}])
def test_pages_of_what_is_relevant_agree(studio: Studio, request_: dict[str, object]) -> None:
    asked = {"lists": ["visual", "transcript_sparse"], "settings": CALIBRATED, **request_}
    shown = [hit.scene_id for hit in ask(studio, limit=100, **asked).hits]
    assert len(shown) >= 3
    for limit in (1, 2, 5):
        assert pages(studio, limit, **asked) == shown


def test_all_that_is_relevant_is_sorted_by_date(studio: Studio) -> None:
    relevant = ask(studio, CALIBRATED, lists=["visual"], limit=100).hits
    dated = ask(studio, CALIBRATED, lists=["visual"], limit=100, sort="date").hits
    assert [hit.scene_id for hit in dated] == [
        hit.scene_id for hit in sorted(relevant, key=lambda hit: hit.indexed_at, reverse=True)
    ]
    assert len(dated) > CALIBRATED.candidates
