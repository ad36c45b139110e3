import pytest

from cluster.display_hits import print_found_videos, print_hits
from footage.search import ListAsked, SearchHit, SearchResponse, Why
from footage.video_search import FoundVideo, VideoSearchResponse

TOY_NOTE = "by a toy model that knows colours, textures and sizes of drawn scenes"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")  # so that no cell is broken up


def hit_of(**changes: object) -> SearchHit:
    fields = {
        "video_id": "00000000-0000-5000-8000-000000000001",
        "scene_id": "00000000-0000-5000-8000-000000000002",
        "index": 0,
        "source_uris": ["file:///films/road.mp4"],
        "start_s": 1.0,
        "end_s": 2.5,
        "score": 0.1,
        "why": [Why(list="caption", rank=1, score=0.714, weight=1.0, contribution=0.1)],
        "transcript": "",
        "language": "",
        "highlights": [],
        "caption": "",
        "caption_toy": False,
        "caption_highlights": [],
        "tags": {},
        "tags_toy": False,
        "thumbnail_key": "t",
        "sidecar_key": "s",
        "indexed_at": "2026-01-01T00:00:00.000+00:00",
        "relevance": None,
        "more_in_video": None,
    }
    return SearchHit.model_validate(fields | changes)


def answer_of(hit: SearchHit, toy: bool = False) -> SearchResponse:
    asked = [
        ListAsked(list="caption", weight=1.0, found=1, toy=toy),
        ListAsked(list="visual", weight=1, found=0, toy=toy),
    ]
    return SearchResponse(
        query="red car", workspace="home", hits=[hit], next_offset=None, left_out=0, lists=asked, took_ms={"index": 2.0}
    )


def test_a_hit_shows_what_is_seen_and_that_its_caption_is_why(capsys: pytest.CaptureFixture[str]) -> None:
    tags = {f"tag {number}": (9 - number) / 10 for number in range(7)}
    print_hits(answer_of(hit_of(transcript="Look there!", caption="A red car [on] a road.", tags=tags)))
    shown = capsys.readouterr().out
    for part in ("Look there!", "seen: A red car [on] a road.", "tag 0 90%, tag 1 80%", "tag 4 50%", "0:01.0 – 0:02.5"):
        assert part in shown
    assert "caption      1   0.71" in shown
    assert "tag 5" not in shown  # the most probable ones only
    assert "toy" not in shown


def test_pictures_relevance_and_further_pages_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    why = [Why(list="image", rank=12, score=0.5, weight=1.0, contribution=0.1)]
    answer = answer_of(hit_of(why=why, relevance=0.876))
    changes = {"query": None, "next_offset": 12, "left_out": 1}
    print_hits(answer.model_copy(update=changes), like="dog [1].jpg", first=11)
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].strip() == "like dog [1].jpg"
    for part in ("│ 11 │", "look-alike  12   0.50", "relevance        0.88"):
        assert part in shown
    assert shown.splitlines()[-2:] == [
        "1 scene in 2 ms; more: --offset 12",
        "1 scene less relevant left out; --min-relevance 0 shows all",
    ]


def test_nothing_found_says_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    answer = answer_of(hit_of()).model_copy(update={"hits": []})
    print_hits(answer)
    print_hits(answer.model_copy(update={"left_out": 7}), first=21)
    assert capsys.readouterr().out.splitlines() == [
        "Nothing found.",
        "Nothing more was found.",
        "7 scenes less relevant left out; --min-relevance 0 shows all",
    ]


@pytest.mark.parametrize(
    ("hit", "toy", "note"),
    [
        (hit_of(caption="A car."), True, f"caption: {TOY_NOTE}"),
        (hit_of(caption="A car.", caption_toy=True), False, f"caption: {TOY_NOTE}"),
        (hit_of(tags={"car": 0.5}, tags_toy=True), False, f"tags: {TOY_NOTE}"),
        (
            hit_of(caption="A car.", caption_toy=True, tags={"car": 0.5}, tags_toy=True),
            True,
            f"caption, tags: {TOY_NOTE}",
        ),
    ],
)
def test_what_toys_made_is_marked(hit: SearchHit, toy: bool, note: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_hits(answer_of(hit, toy))
    assert note in capsys.readouterr().out.splitlines()


def test_videos_are_shown_with_their_descriptions_in_the_order_given(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        FoundVideo(
            video_id=f"{number}0000000-0000-5000-8000-000000000001",
            score=0.75 - number,
            source_uris=[f"file:///films/{name}.mp4"],
            duration_s=61.0,
            language="en",
            scene_count=1,
            description=f"All about a {name}.",
            description_toy=name == "road",
        )
        for number, name in enumerate(("road", "house"))
    ]
    print_found_videos(VideoSearchResponse(query="a road", workspace="home", videos=found))
    shown = capsys.readouterr().out
    assert shown.index("All about a road.") < shown.index("All about a house.")
    assert [part in shown for part in ("road.mp4", "00000000  1:01.0", "0.75", "-0.25")] == [True] * 4
    assert f"description: {TOY_NOTE}" in shown.splitlines()

    print_found_videos(VideoSearchResponse(query="a road", workspace="home", videos=[]))
    assert capsys.readouterr().out == "No video has a description here.\n"
