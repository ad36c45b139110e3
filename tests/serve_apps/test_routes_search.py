import io
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from footage.catalog import Catalog
from footage.search import SearchRequest
from serve_apps.api_types import Problem, SearchAnswer
from serve_apps.backend import Backend

ABSENT = "00000000-0000-4000-8000-000000000000"
EVERYTHING: dict[str, Any] = {"q": "car", "min_relevance": 0}


def ask(client: TestClient, path: str = "/v1/search", **parameters: Any) -> SearchAnswer:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return SearchAnswer.model_validate_json(answer.content)


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 36), colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="session")
def garage(samples_api: TestClient) -> tuple[str, str]:
    """The video and the scene where brake pads are spoken of."""
    hit = ask(samples_api, q="brake pads").hits[0]
    return hit.video_id, hit.scene_id


def test_words_find_the_scene_where_they_are_said(samples_api, samples_backend):
    answer = ask(samples_api, q="brake pads", limit=3)
    hit = answer.hits[0]
    assert (hit.name, hit.start_s, hit.language) == ("garage.mp4", 0.0, "en")
    assert [hit.transcript[begin:end] for begin, end in hit.highlights] == ["brake", "pads"]
    assert {why.list for why in hit.why} >= {"transcript", "transcript_sparse"}
    assert hit.play_url == f"/v1/media/{hit.video_id}#t=0.000,7.000"
    found = samples_backend.searcher.search(SearchRequest(query="brake pads", limit=3))
    assert [hit.scene_id for hit in answer.hits] == [hit.scene_id for hit in found.hits]
    assert hit.model_dump(exclude={"name", "thumbnail_url", "play_url", "sidecar_url"}) == found.hits[0].model_dump(
        exclude={"thumbnail_key", "sidecar_key"}
    )


def test_the_addresses_of_a_hit_lead_somewhere(samples_api):
    hit = ask(samples_api, q="brake pads").hits[0]
    for address, media_type in (
        (hit.thumbnail_url, "image/jpeg"),
        (hit.play_url, "video/mp4"),
        (hit.sidecar_url, "application/json"),
    ):
        answer = samples_api.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


@pytest.mark.parametrize(
    "parameters",
    [EVERYTHING, EVERYTHING | {"group": "video"}, EVERYTHING | {"sort": "date"}, EVERYTHING | {"diversity": 0.5}],
    ids=["plain", "grouped", "by date", "diverse"],
)
def test_page_after_page_is_one_large_page(samples_api, parameters):
    whole = ask(samples_api, **parameters, limit=100)
    assert whole.next_cursor is None
    paged, cursor = [], {}
    while True:
        page = ask(samples_api, **parameters, **cursor, limit=3)
        assert len(page.hits) <= 3
        paged += page.hits
        if page.next_cursor is None:
            break
        cursor = {"cursor": page.next_cursor}
    assert [hit.scene_id for hit in paged] == [hit.scene_id for hit in whole.hits]
    assert len(whole.hits) > 3


def test_a_cursor_counts_for_the_request_that_it_was_given_for(samples_api, garage):
    cursor = ask(samples_api, **EVERYTHING, limit=2).next_cursor
    for path, parameters in (
        ("/v1/search", {"q": "oil"}),
        ("/v1/search", {"q": "car", "min_relevance": 0, "language": "en"}),
        ("/v1/search", {"min_relevance": 0, "scene": garage[1]}),
        (f"/v1/scenes/{garage[1]}/similar", {"min_relevance": 0}),
        ("/v1/videos", {"about": "car"}),
        ("/v1/videos", {}),
        (f"/v1/videos/{garage[0]}/scenes", {}),
        ("/v1/audit", {}),
    ):
        answer = samples_api.get(path, params={**parameters, "cursor": cursor})
        assert answer.status_code == 400, path
        assert "was not given for this request" in answer.json()["detail"]
    assert ask(samples_api, **EVERYTHING, limit=5, cursor=cursor).hits  # of another limit it is the same place


def test_filters_leave_scenes_out(samples_api, garage):
    everything = ask(samples_api, **EVERYTHING, limit=100).hits
    tag = next(iter(everything[0].tags))
    checks: list[tuple[dict[str, Any], Any]] = [
        ({"video": [garage[0], ABSENT]}, lambda hit: hit.video_id == garage[0]),
        ({"tag": [tag]}, lambda hit: tag in hit.tags),
        ({"from_s": 7.0, "to_s": 9.0}, lambda hit: hit.end_s > 7 and hit.start_s < 9),
        ({"min_duration_s": 3.0, "max_duration_s": 6.0}, lambda hit: 3 <= hit.end_s - hit.start_s <= 6),
    ]
    for parameters, is_wanted in checks:
        found = ask(samples_api, **EVERYTHING, **parameters, limit=100).hits
        assert {hit.scene_id for hit in found} == {hit.scene_id for hit in everything if is_wanted(hit)}, parameters
        assert 0 < len(found) < len(everything)
    for parameters in ({"language": "ko"}, {"indexed_since": "2999-01-01T00:00:00Z"}, {"dataset": "none"}):
        assert ask(samples_api, **EVERYTHING, **parameters).hits == []
    assert len(ask(samples_api, **EVERYTHING, indexed_since="2000-01-01T00:00:00+02:00", limit=100).hits) == len(
        everything
    )


def test_the_best_scene_of_each_video(samples_api):
    flat = ask(samples_api, **EVERYTHING, limit=100).hits
    grouped = ask(samples_api, **EVERYTHING, group="video", limit=100).hits
    assert [hit.video_id for hit in grouped] == list(dict.fromkeys(hit.video_id for hit in flat))
    assert sum(1 + (hit.more_in_video or 0) for hit in grouped) == len(flat)


def test_lists_and_modes(samples_api):
    words = ask(samples_api, **EVERYTHING, by="words")
    assert [each.list for each in words.lists] == ["transcript_sparse"]
    seen = ask(samples_api, **EVERYTHING, modes="spoken:0,seen:2,captioned:0.5")
    assert {each.list: each.weight for each in seen.lists} == {"visual": 2.0, "caption": 0.5}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_finds_what_looks_like_it(samples_api, kind):
    answer = samples_api.post("/v1/search", data={"limit": "4", "min_relevance": "0"}, files={"image": picture(kind)})
    found = SearchAnswer.model_validate_json(answer.content)
    assert [each.list for each in found.lists] == ["image"]
    assert "red background" in found.hits[0].tags


def test_a_picture_with_words_and_pages(samples_api):
    form = {"q": "brake pads", "limit": "2", "min_relevance": "0", "tag": ["plain"]}
    first = samples_api.post("/v1/search", data=form, files={"image": picture()}).json()
    assert {each["list"] for each in first["lists"]} >= {"transcript", "image"}
    form["cursor"] = first["next_cursor"]
    second = samples_api.post("/v1/search", data=form, files={"image": picture()})
    assert second.status_code == 200
    assert not {hit["scene_id"] for hit in second.json()["hits"]} & {hit["scene_id"] for hit in first["hits"]}
    other = samples_api.post("/v1/search", data=form, files={"image": picture(colour="blue")})
    assert other.status_code == 400  # the cursor is of the other picture


def test_words_in_a_form_are_as_words_in_the_address(samples_api):
    posted = samples_api.post("/v1/search", data={"q": "brake pads", "limit": "5"}, files={"image": ("", b"")}).json()
    got = samples_api.get("/v1/search", params={"q": "brake pads", "limit": 5}).json()
    assert [hit["scene_id"] for hit in posted["hits"]] == [hit["scene_id"] for hit in got["hits"]]
    assert posted["next_cursor"] == got["next_cursor"]


@pytest.mark.parametrize(
    ("sent", "status", "sentence"),
    [
        (b"no picture at all", 415, "JPEG"),
        (picture()[:200], 400, ""),
        (picture("PNG", (8000, 6000)), 413, "pixels"),
        (b"\xff" * (8 * 2**20 + 1), 413, "8 MiB"),
        (b"GIF89a" + b"\0" * 50, 415, "JPEG"),
    ],
    ids=["text", "torn", "too many pixels", "too many bytes", "gif"],
)
def test_a_picture_that_cannot_be_searched_by(samples_api, sent, status, sentence):
    answer = samples_api.post("/v1/search", files={"image": sent})
    assert answer.status_code == status, answer.text
    assert sentence in Problem.model_validate_json(answer.content).detail


def test_scenes_like_one(samples_api, garage):
    answer = ask(samples_api, f"/v1/scenes/{garage[1]}/similar", limit=5, min_relevance=0)
    assert answer.query is None
    assert len(answer.hits) == 5
    assert garage[1] not in {hit.scene_id for hit in answer.hits}
    by_scene = ask(samples_api, scene=garage[1], min_relevance=0)
    assert {each.list for each in by_scene.lists} == {"image"}


WRONG = [
    ({}, 400, "say what to look for"),
    ({"q": "  "}, 400, "say what to look for"),
    ({"q": "car", "colour": "red"}, 422, "There is no parameter 'colour'"),
    ({"q": "car", "workspace": "away"}, 422, "There is no parameter 'workspace'"),
    ({"q": "car", "offset": "3"}, 422, "There is no parameter 'offset'"),
    ({"q": "car", "limit": "0"}, 422, "limit: "),
    ({"q": "car", "limit": "101"}, 422, "limit: "),
    ({"q": "car", "limit": "many"}, 422, "limit: "),
    ({"q": "x" * 2001}, 422, "q: "),
    ({"q": "car", "from_s": "5", "to_s": "5"}, 422, "to_s (5.0) must be after from_s (5.0)."),
    ({"q": "car", "from_s": "nan"}, 422, "from_s: "),
    ({"q": "car", "to_s": "inf"}, 422, "to_s: "),
    ({"q": "car", "min_duration_s": "5", "max_duration_s": "4"}, 422, "must not be below min_duration_s"),
    ({"q": "car", "indexed_since": "2026-01-01T00:00:00"}, 422, "indexed_since: "),
    ({"q": "car", "sort": "size"}, 422, "sort: "),
    ({"q": "car", "group": "day"}, 422, "group: "),
    ({"q": "car", "diversity": "2"}, 422, "diversity: "),
    ({"q": "car", "modes": "heard:1"}, 422, "modes: "),
    ({"q": "car", "modes": "seen:-1"}, 422, "modes: "),
    ({"q": "car", "modes": "seen:101"}, 422, "modes.seen: "),
    ({"q": "car", "by": "smell"}, 422, "by: "),
    ({"q": "car", "min_relevance": "7"}, 422, "min_relevance: "),
    ({"q": "car", "dataset": "../away"}, 422, "The dataset '../away' cannot be used"),
    ({"q": "car", "video": "garage.mp4"}, 422, "video.0: "),
    ({"q": "car", "language": "English"}, 422, "language: "),
    ({"scene": "garage"}, 422, "scene: "),
    ({"scene": ABSENT}, 404, ABSENT),
    ({"q": "car", "cursor": "abc"}, 400, "The cursor was not given for this request"),
]


@pytest.mark.parametrize(("parameters", "status", "sentence"), WRONG)
def test_what_cannot_be_asked(samples_api, parameters, status, sentence):
    answers = [samples_api.get("/v1/search", params=parameters), samples_api.post("/v1/search", data=parameters)]
    for answer in answers:
        problem = Problem.model_validate_json(answer.content)
        assert (answer.status_code, problem.status) == (status, status), problem
        assert sentence in problem.detail


@pytest.mark.parametrize("scene_id", [ABSENT, "x", "..%2F..", "00000000-0000-4000-8000-00000000000G"])
def test_no_such_scene(samples_api, scene_id):
    for path in (f"/v1/scenes/{scene_id}", f"/v1/scenes/{scene_id}/similar"):
        answer = samples_api.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_body_that_is_no_form(samples_api):
    for content_type in ("application/json", "multipart/form-data; boundary=x", "multipart/form-data"):
        answer = samples_api.post("/v1/search", content=b'{"q": "car"}', headers={"Content-Type": content_type})
        assert answer.status_code in (400, 422)
        assert Problem.model_validate_json(answer.content).detail


def test_scenes_of_a_dataset(samples_backend: Backend, samples_api: TestClient, garage: tuple[str, str]) -> None:
    books = Catalog(samples_backend.store, "default").datasets
    books.add("cars", garage[0], None)
    try:
        found = ask(samples_api, **EVERYTHING, dataset="cars", limit=100).hits
        assert {hit.video_id for hit in found} == {garage[0]}
    finally:
        books.remove("cars", garage[0])
