from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from actors.scene_searcher import SceneSearcher
from actors.scene_writer import SceneWriter
from footage import identity
from footage.catalog_records import Claim
from footage.errors import SettingsError
from footage.index_records import SceneFilter
from footage.pipeline_settings import SearchSettings
from footage.search import ListAsked, SearchRequest
from footage.sidecar import StoredSpan
from footage.store_reads import StoreReads
from tests.memory_folder import memory_folder
from tests.spans import FINGERPRINT, MODELS, READ_AT, WORKSPACE, claim_of, source_of, span_row, spans, take
from tests.studio import Studio, WordEncoder


def filled(root: Path) -> Iterator[Studio]:
    studio = Studio(root)
    studio.add("street", ("the red car", "", "a blue house"), ("red car", "red", "blue car"))
    studio.add("garden", ("blue car", "das rote Haus"), ("blue", "blue blue car"), language="de")
    # garden joins a dataset after it was indexed
    studio.catalog.add_source(claim_of("garden", 1).video_id, source_of("garden"), "pilots", FINGERPRINT, READ_AT)
    yield studio
    studio.index.close()


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """Only for reading."""
    with memory_folder() as folder:
        yield from filled(folder)


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Studio]:
    """For tests that change it."""
    yield from filled(tmp_path)


def test_a_hit_says_why_it_is_there(studio: Studio) -> None:
    searcher = SceneSearcher(
        studio.index,
        StoreReads(studio.store),
        WordEncoder(),
        SearchSettings(visual_weight=0.5),
        toy_lists=frozenset({"visual"}),
    )
    answer = searcher.search(SearchRequest(query="Red cars car", workspace=WORKSPACE, limit=1))
    assert answer.lists == [
        ListAsked(list="transcript", weight=1.0, found=4, toy=False),
        ListAsked(list="transcript_sparse", weight=1.0, found=2, toy=False),
        ListAsked(list="visual", weight=0.5, found=5, toy=True),
        ListAsked(list="caption", weight=1.0, found=0, toy=False),
    ]
    (hit,) = answer.hits
    encoded = WordEncoder().encode("Red cars car")
    assert hit.model_dump() == {
        "video_id": claim_of("street", 1).video_id,
        "scene_id": studio.scene_ids["street/0"],
        "index": 0,
        "source_uris": ["file:///films/street.mp4"],
        "start_s": 0.0,
        "end_s": pytest.approx(10 / 3),
        "indexed_at": hit.indexed_at,
        "score": 1 / 60 + 1 / 60 + 1 / (60 + 1 / 0.5 - 1),
        "relevance": None,
        "why": [
            {
                "list": "transcript",
                "rank": 1,
                "score": pytest.approx(float(np.dot(encoded.transcript, WordEncoder().encode("red car").transcript))),
                "weight": 1.0,
                "contribution": 1 / 60,
            },
            {
                "list": "transcript_sparse",
                "rank": 1,
                # four scenes; `red` is said in one of them, `car` in two; weights are those of BM25's rarity
                "score": pytest.approx(sum(np.log((4 - n + 0.5) / (n + 0.5) + 1) for n in (1, 2)), rel=1e-5),
                "weight": 1.0,
                "contribution": 1 / 60,
            },
            {
                "list": "visual",
                "rank": 1,
                "score": pytest.approx(float(np.dot(encoded.visual, WordEncoder().encode("red car").visual))),
                "weight": 0.5,
                "contribution": 1 / (60 + 1 / 0.5 - 1),
            },
        ],
        "transcript": "the red car",
        "language": "en",
        "highlights": [(4, 7), (8, 11)],
        "caption": "",
        "caption_toy": False,
        "caption_highlights": [],
        "tags": {},
        "tags_toy": False,
        "thumbnail_key": f"thumbnails/{WORKSPACE}/{claim_of('street', 1).video_id}/{studio.scene_ids['street/0']}.jpg",
        "sidecar_key": f"sidecars/{WORKSPACE}/{claim_of('street', 1).video_id}/{studio.scene_ids['street/0']}.json",
        "more_in_video": None,
    }
    written_at = studio.index.points(SceneFilter(WORKSPACE, scene_ids=(hit.scene_id,)))[0].indexed_at
    assert datetime.fromisoformat(hit.indexed_at).timestamp() == pytest.approx(written_at, abs=0.001)
    assert (answer.next_offset, answer.left_out) == (1, 0)
    assert set(answer.took_ms) == {"encode", "index", "fuse", "read"}


def test_what_is_said_and_what_is_seen_count_by_weight(studio: Studio) -> None:
    seen = SearchSettings(transcript_weight=0, transcript_sparse_weight=0)
    said = SearchSettings(visual_weight=0)
    assert studio.search("red", seen)[0] == "street/1"
    assert studio.search("red", said)[0] == "street/0"
    assert "street/1" not in studio.search("red", said)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"language": "de"}, {"garden/0", "garden/1"}),
        ({"video_ids": [claim_of("street", 1).video_id]}, {"street/0", "street/1", "street/2"}),
        ({"from_s": 7.0}, {"street/2", "garden/1"}),
        ({"to_s": 3.4}, {"street/0", "street/1", "garden/0"}),
        ({"limit": 1}, {"street/0"}),
        ({"dataset": "pilots"}, {"garden/0", "garden/1"}),
        ({"dataset": "pilots", "video_ids": [claim_of("street", 1).video_id]}, set()),
        ({"dataset": "nothing"}, set()),
        ({"video_ids": ["nobody"]}, set()),
    ],
)
def test_a_search_keeps_to_what_it_was_asked(studio: Studio, request_: dict[str, object], expected: set[str]) -> None:
    assert set(studio.search("red car", **request_)) == expected


def test_another_workspace_is_not_searched(studio: Studio) -> None:
    searcher = SceneSearcher(studio.index, StoreReads(studio.store), WordEncoder(), SearchSettings())
    assert searcher.search(SearchRequest(query="red car", workspace="away")).hits == []


def test_grouping_shows_the_best_scene_of_each_video(studio: Studio) -> None:
    searcher = SceneSearcher(studio.index, StoreReads(studio.store), WordEncoder(), SearchSettings())
    answer = searcher.search(SearchRequest(query="red car", workspace=WORKSPACE, group_by_video=True))
    assert [(hit.source_uris[0], hit.more_in_video) for hit in answer.hits] == [
        ("file:///films/street.mp4", 2),
        ("file:///films/garden.mp4", 1),
    ]
    assert answer.hits[0].scene_id == studio.scene_ids["street/0"]


def test_what_was_deleted_is_left_out_and_the_next_take_its_place(changing: Studio) -> None:
    all_names = changing.search("red car")
    assert len(all_names) == 5
    video_id = claim_of("street", 1).video_id
    changing.store.delete(changing.catalog.sidecar_key(video_id, changing.scene_ids[all_names[0]]))
    assert changing.search("red car", limit=2) == all_names[1:3]
    changing.catalog.delete_manifest(video_id)
    assert changing.search("red car") == [name for name in all_names if name.startswith("garden")]


def test_all_sources_of_a_video_are_named(changing: Studio) -> None:
    video_id = claim_of("garden", 1).video_id
    changing.catalog.add_source(video_id, source_of("copy"), None, FINGERPRINT, READ_AT)
    searcher = SceneSearcher(changing.index, StoreReads(changing.store), WordEncoder(), SearchSettings())
    (hit,) = searcher.search(
        SearchRequest(query="red", workspace=WORKSPACE, video_ids=[video_id], group_by_video=True)
    ).hits
    assert hit.source_uris == ["file:///films/copy.mp4", "file:///films/garden.mp4"]


def test_words_that_no_vocabulary_knows_leave_the_sparse_list_out(studio: Studio) -> None:
    searcher = SceneSearcher(studio.index, StoreReads(studio.store), WordEncoder(), SearchSettings())
    answer = searcher.search(SearchRequest(query="zeppelin", workspace=WORKSPACE))
    assert [asked.list for asked in answer.lists] == ["transcript", "visual", "caption"]


def test_an_answer_may_be_longer_than_the_lists_are_by_default(studio: Studio) -> None:
    short = SearchSettings(candidates=2, transcript_weight=0, transcript_sparse_weight=0)
    assert len(studio.search("red car", short, limit=1)) == 1
    assert len(studio.search("red car", short, limit=4)) == 4


def test_videos_are_found_behind_many_scenes_of_another(studio: Studio) -> None:
    """The two nearest scenes are both of `street`."""
    short = SearchSettings(candidates=1, transcript_weight=0, transcript_sparse_weight=0)
    assert studio.search("red", short, limit=2, group_by_video=True) == ["street/1", "garden/0"]


def reindexed(changing: Studio, published: bool) -> tuple[Claim, list[str]]:
    """`street` while another pipeline indexes it anew: one of two spans is written, or all are and its points live.

    Gives the claim and the ids of its scenes as the manifest, of the old pipeline still, has them.
    """
    old = claim_of("street", 1)
    manifest = changing.catalog.manifest(old.video_id)
    assert manifest is not None
    new = claim_of("street", 1, run_id="run-2", fingerprint="f" * 16)
    spans_ = [StoredSpan(index=i, start_s=start, end_s=end) for i, (start, end) in enumerate([(0, 5), (5, 10)])]
    new = take(changing.catalog, new.model_copy(update={"spans": spans_}))
    second = span_row(new, 1, texts=("blue house", "red car")) | {
        # the last scene of the old pipeline is the new one's too, at another place and with another end
        "scene_ids": [manifest.scenes[2].scene_id, identity.scene_id(old.video_id, 9.0)],
        "scene_start_s": [manifest.scenes[2].start_s, 9.0],
        "scene_end_s": [9.0, 10.0],
    }
    SceneWriter(changing.catalog, changing.index, "f" * 16, MODELS)(spans(second))
    if published:
        changing.index.publish(WORKSPACE, old.video_id, "f" * 16)
    return old, [scene.scene_id for scene in manifest.scenes]


@pytest.mark.parametrize(("published", "shown"), [(False, [0, 1, 2]), (True, [2])])
def test_a_video_that_is_indexed_anew_is_shown_as_it_was(changing: Studio, published: bool, shown: list[int]) -> None:
    old, scene_ids = reindexed(changing, published)
    searcher = SceneSearcher(changing.index, StoreReads(changing.store), WordEncoder(), SearchSettings())
    hits = searcher.search(SearchRequest(query="red car", workspace=WORKSPACE, video_ids=[old.video_id])).hits
    assert sorted((hit.index, hit.scene_id) for hit in hits) == [(place, scene_ids[place]) for place in shown]
    assert {hit.index: (hit.start_s, hit.end_s) for hit in hits} == {
        place: (pytest.approx(place * 10 / 3), pytest.approx((place + 1) * 10 / 3)) for place in shown
    }


@pytest.fixture(scope="module")
def captioned() -> Iterator[Studio]:
    """Two silent scenes that look alike; only for reading."""
    with memory_folder() as folder:
        studio = Studio(folder)
        studio.add("road", ("", ""), ("red", "red"), captions=("A blue house.", "blue car"), tags=("day", "night"))
        studio.add("said", ("blue car", "red car"), ("red", "red"), tags=("day", "night"))
        yield studio
        studio.index.close()


def test_a_scene_is_found_by_its_caption_alone(captioned: Studio) -> None:
    searcher = SceneSearcher(
        captioned.index, StoreReads(captioned.store), WordEncoder(), SearchSettings(), toy_lists=frozenset({"caption"})
    )
    request = SearchRequest(query="Blue cars car", workspace=WORKSPACE, lists=["caption"])
    answer = searcher.search(request)
    assert answer.lists == [ListAsked(list="caption", weight=1.0, found=2, toy=True)]
    assert [hit.scene_id for hit in answer.hits] == [captioned.scene_ids[name] for name in ("road/1", "road/0")]
    best = answer.hits[0]
    assert [(why.list, why.rank, why.contribution) for why in best.why] == [("caption", 1, 1 / 60)]
    assert (best.caption, best.caption_toy, best.caption_highlights) == ("blue car", True, [(0, 4), (5, 8)])
    assert (best.tags, best.tags_toy) == ({"night": 0.5}, True)


def test_lists_are_asked_in_their_own_order_and_only_those_that_are_named(captioned: Studio) -> None:
    searcher = SceneSearcher(captioned.index, StoreReads(captioned.store), WordEncoder(), SearchSettings())
    request = SearchRequest(query="blue car", workspace=WORKSPACE, lists=["caption", "transcript_sparse", "caption"])
    assert [asked.list for asked in searcher.search(request).lists] == ["transcript_sparse", "caption"]


def test_a_caption_counts_by_its_weight_and_above_its_floor(captioned: Studio) -> None:
    heavier, lighter = SearchSettings(caption_weight=2), SearchSettings(caption_weight=0.5)
    assert captioned.search("blue car", heavier, lists=["transcript", "caption"])[:2] == ["road/1", "said/0"]
    assert captioned.search("blue car", lighter, lists=["transcript", "caption"])[:2] == ["said/0", "road/1"]
    floored = SearchSettings(caption_floor=0.9)
    assert captioned.search("blue car", floored, lists=["caption"]) == ["road/1"]


def test_a_list_without_weight_cannot_be_asked_for(captioned: Studio) -> None:
    weightless = SearchSettings(caption_weight=0, visual_weight=0)
    assert "road/1" not in captioned.search("blue car", weightless)
    with pytest.raises(SettingsError, match=r"search.visual_weight, search.caption_weight is 0 in the settings"):
        captioned.search("blue car", weightless, lists=["visual", "caption"])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [([], {"road/0", "road/1", "said/0", "said/1"}), (["night"], {"road/1", "said/1"}), (["day", "night"], set())],
)
def test_tags_must_all_be_seen(captioned: Studio, tags: list[str], expected: set[str]) -> None:
    assert set(captioned.search("blue car", tags=tags)) == expected


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"query": ""}, "it is empty: say what to look for"),
        ({"query": "  \n"}, "it is empty: say what to look for"),
        ({"lists": ["sound"]}, "Input should be 'transcript', 'transcript_sparse', 'visual', 'caption' or 'image'"),
        ({"workspace": "a/b"}, "The workspace 'a/b' cannot be used"),
        ({"dataset": ".x"}, "The dataset '.x' cannot be used"),
        ({"from_s": 5, "to_s": 5}, r"to_s \(5.0\) must be after from_s \(5.0\)"),
    ],
)
def test_what_makes_no_sense_is_refused(request_: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SearchRequest.model_validate({"query": "x"} | request_)
