from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.video_searcher import VideoSearcher
from footage.index_records import VideoPoint
from footage.sidecar import StoredDescription, StoredEmbedding
from footage.store_reads import StoreReads
from footage.video_search import VideoSearchRequest, VideoSearchResponse
from tests.spans import FINGERPRINT, READ_AT, WORKSPACE, claim_of, source_of
from tests.studio import Studio, WordEncoder


def describe(studio: Studio, name: str, text: str, toy: bool = False) -> None:
    """Describe a video, as the second pass does."""
    video_id = claim_of(name, 1).video_id
    embedding = StoredEmbedding(model="text-model", dimensions=4, has_embedding=True)
    description = StoredDescription(
        text=text, model="m", toy=toy, embedding=embedding, fingerprint="d", described_at="2026-01-01T00:00:00+00:00"
    )
    studio.catalog.change_manifest(video_id, lambda held: held.model_copy(update={"description": description}))
    studio.index.put_descriptions([VideoPoint(video_id, WORKSPACE, "en", WordEncoder().encode(text).transcript)])


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """Three videos, of which two are described."""
    studio = Studio(tmp_path)
    for name in ("street", "garden", "untold"):
        studio.add(name, ("red car", ""), ("red", "blue"))
    describe(studio, "street", "a red car", toy=True)
    describe(studio, "garden", "a blue house")
    yield studio
    studio.index.close()


def search(studio: Studio, query: str, **request: object) -> VideoSearchResponse:
    searcher = VideoSearcher(studio.index, StoreReads(studio.store), WordEncoder())
    return searcher.search(VideoSearchRequest(query=query, workspace=WORKSPACE, **request))


def names(response: VideoSearchResponse) -> list[str]:
    return [video.source_uris[0].rpartition("/")[2] for video in response.videos]


def test_videos_come_in_order_of_what_they_are_about(studio: Studio) -> None:
    answer = search(studio, "blue house")
    assert names(answer) == ["garden.mp4", "street.mp4"]
    assert answer.model_dump()["videos"][1] == {
        "video_id": claim_of("street", 1).video_id,
        "score": pytest.approx(answer.videos[1].score),
        "source_uris": ["file:///films/street.mp4"],
        "duration_s": 10.0,
        "language": "en",
        "scene_count": 2,
        "description": "a red car",
        "description_toy": True,
    }
    assert answer.videos[0].score == pytest.approx(1.0, abs=1e-3)
    assert answer.videos[1].score < 0.1
    assert names(search(studio, "blue house", limit=1)) == ["garden.mp4"]


def test_what_is_gone_is_left_out(studio: Studio) -> None:
    street, garden = claim_of("street", 1).video_id, claim_of("garden", 1).video_id
    studio.catalog.change_manifest(street, lambda held: held.model_copy(update={"description": None}))
    assert names(search(studio, "red")) == ["garden.mp4"]
    describe(studio, "street", "")  # nothing to tell any more, and the vector is still there
    assert names(search(studio, "red")) == ["garden.mp4"]
    copy = source_of("copy")
    studio.catalog.add_source(garden, copy, None, FINGERPRINT, READ_AT)
    assert [video.source_uris for video in search(studio, "red").videos] == [[copy.uri, "file:///films/garden.mp4"]]
    studio.catalog.change_manifest(garden, lambda held: held.model_copy(update={"sources": []}))
    assert names(search(studio, "red")) == []


def test_what_follows_takes_the_place_of_what_is_gone(studio: Studio) -> None:
    describe(studio, "untold", "a blue car")
    assert names(search(studio, "red car", limit=1)) == ["street.mp4"]
    studio.catalog.delete_manifest(claim_of("street", 1).video_id)
    assert names(search(studio, "red car", limit=1)) == ["untold.mp4"]
    assert names(search(studio, "red car", limit=2)) == ["untold.mp4", "garden.mp4"]


@pytest.mark.parametrize(
    ("request_", "says"),
    [({"query": " "}, "it is empty"), ({"workspace": "a/b"}, "The workspace 'a/b' cannot be used")],
)
def test_what_makes_no_sense_is_refused(request_: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        VideoSearchRequest.model_validate({"query": "x"} | request_)
