"""`footage search` over the indexed samples: what its options ask for, from the command line to the answer."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.cli import app
from tests.memory_folder import memory_folder

Search = Callable[..., Any]


@pytest.fixture(scope="module")
def store(indexed_samples: Path) -> Iterator[Path]:
    """A copy: whoever opens an index writes beside it."""
    with memory_folder() as folder:
        yield shutil.copytree(indexed_samples, folder / "store")


@pytest.fixture
def search(store: Path) -> Search:
    """Runs the command; gives its answer, or the sentence that it refuses with."""

    def run(*options: str) -> Any:
        command = ["search", *options, "--store", str(store), "--profile", "offline", "--json"]
        result = CliRunner().invoke(app, command)
        return json.loads(result.stdout) if result.exit_code == 0 else result.stderr

    return run


def places(answer: Any) -> list[tuple[str, float]]:
    return [(hit["source_uris"][0].rpartition("/")[2], hit["start_s"]) for hit in answer["hits"]]


def test_a_picture_and_a_scene_find_what_looks_like_them(search: Search, store: Path) -> None:
    by_scene = search("--scene", "garage.mp4@8", "--min-relevance", "0")
    (found,) = search("--scene", by_scene["hits"][0]["scene_id"], "--limit", "1")["hits"]
    by_picture = search("--image", str(store / found["thumbnail_key"]), "--min-relevance", "0")

    assert [asked["list"] for asked in by_scene["lists"]] == ["image"]
    assert places(by_scene)[0] == places(by_picture)[0] == ("garage.mp4", 7.0)
    assert by_picture["hits"][0]["why"][0]["score"] > 0.9  # of one frame, and scenes are the means of several
    both = search("brake pads", "--image", str(store / found["thumbnail_key"]), "--mode", "seen=0.25")
    assert {asked["list"]: asked["weight"] for asked in both["lists"]} == {
        **{"transcript": 1.0, "transcript_sparse": 1.0, "visual": 0.25, "caption": 1.0, "image": 0.25}
    }
    assert places(both)[0] == ("garage.mp4", 0.0)


def test_what_is_like_a_scene_is_so_without_it_and_page_by_page(search: Search) -> None:
    like = ("--like", "coast.mp4@0:01", "--min-relevance", "0")
    answer = search(*like, "--limit", "4")
    rest = search(*like, "--limit", "100", "--offset", str(answer["next_offset"]))

    shown = places(answer) + places(rest)
    assert len(set(shown)) == len(shown) == 25  # of 26 scenes
    assert ("coast.mp4", 0.0) not in shown
    assert rest["next_offset"] is None


def test_options_narrow_and_order_the_answer(search: Search) -> None:
    short = search("oil", "--max-duration", "3", "--min-relevance", "0", "--limit", "100")["hits"]
    assert short
    assert all(hit["end_s"] - hit["start_s"] <= 3 for hit in short)
    assert search("oil", "--since", "2999-01-01")["hits"] == []
    assert search("oil", "--since", "2000-01-01", "--limit", "1")["hits"]
    dates = [hit["indexed_at"] for hit in search("oil", "--sort", "date", "--min-relevance", "0")["hits"]]
    assert dates == sorted(dates, reverse=True)
    assert len(set(dates)) > 1
    plain, diverse = (places(search("a red shape", "--min-relevance", "0", "--diverse", x)) for x in ("0", "0.9"))
    assert plain[0] == diverse[0]
    assert plain != diverse


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), 'Say what to look for: words such as "red car", or --image, --scene or --like.'),
        (("oil", "--like", "garage.mp4@3"), "--like looks for what is like a scene in all: leave out the words"),
        (
            ("oil", "--min-duration", "5", "--max-duration", "2"),
            "max_duration_s (2.0) must not be below min_duration_s",
        ),
        (("oil", "--offset", "995"), "offset and limit together must not be above 1000"),
        (("--scene", "garage.mp4@300"), "garage.mp4 has no scene at 300"),
        (
            ("--like", "00000000-0000-5000-8000-000000000001"),
            "No scene 00000000-0000-5000-8000-000000000001 can be found",
        ),
        (("--image", __file__), "no picture"),
        (("oil", "--by", "words", "--mode", "spoken=0"), "it goes by words, which its modes leave out"),
    ],
)
def test_what_cannot_be_searched_is_a_sentence(search: Search, options: tuple[str, ...], says: str) -> None:
    answer = search(*options)
    assert answer.startswith("footage: ")
    assert says in answer
