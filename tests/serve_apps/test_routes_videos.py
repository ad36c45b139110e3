import dataclasses
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from footage.catalog import Catalog
from footage.settings import Settings
from footage.sidecar import QuarantineRecord, StoredSource
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.api_types import (
    DatasetList,
    Health,
    JobList,
    LanguageList,
    Me,
    SceneDetail,
    ScenePage,
    TagList,
    VideoDetail,
    VideoPage,
)
from tests.memory_store import MemoryStore
from tests.serve_apps.served import client_of, open_api, store_backend
from tests.serve_apps.shelf import NOW, shelve

ABSENT = "00000000-0000-4000-8000-000000000000"


def ask(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def videos(client: TestClient, **parameters: Any) -> VideoPage:
    return VideoPage.model_validate(ask(client, "/v1/videos", **parameters))


def test_the_library_page_by_page(samples_api):
    whole = videos(samples_api, limit=200)
    assert len(whole.videos) == 8
    assert {video.state for video in whole.videos} == {"indexed"}
    first = videos(samples_api, limit=5)
    second = videos(samples_api, limit=5, cursor=first.next_cursor)
    assert first.videos + second.videos == whole.videos
    assert (whole.next_cursor, second.next_cursor) == (None, None)


def test_a_part_of_the_library(samples_api):
    assert [video.name for video in videos(samples_api, name="GARAGE").videos] == ["garage.mp4"]
    assert videos(samples_api, state="quarantined").videos == []
    assert videos(samples_api, dataset="none").videos == []


def test_videos_about_something(samples_api, samples_backend):
    found = videos(samples_api, about="red and white backgrounds", limit=200)
    scores = [video.score for video in found.videos]
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert len(scores) == 8
    paged, cursor = [], {}
    while True:
        page = videos(samples_api, about="red and white backgrounds", limit=3, **cursor)
        paged += page.videos
        if page.next_cursor is None:
            break
        cursor = {"cursor": page.next_cursor}
    assert paged == found.videos
    assert all(video.description and video.description_toy and video.thumbnail_url for video in paged)
    assert videos(samples_api, about="red", state="running").videos == []
    assert [video.name for video in videos(samples_api, about="red", name="garage").videos] == ["garage.mp4"]
    books = Catalog(samples_backend.store, "default").datasets
    books.add("some", paged[-1].video_id, None)
    try:
        assert [video.video_id for video in videos(samples_api, about="red", dataset="some").videos] == [
            paged[-1].video_id
        ]
        assert ask(samples_api, "/v1/datasets") == {"datasets": [{"name": "some", "video_count": 1}]}
    finally:
        books.remove("some", paged[-1].video_id)


def test_a_video_with_its_time_line(samples_api):
    item = videos(samples_api, name="garage").videos[0]
    video = VideoDetail.model_validate(ask(samples_api, f"/v1/videos/{item.video_id}"))
    assert video.model_dump(include=set(item.model_fields_set)) == item.model_dump()
    assert (video.duration_s, video.width_px, video.has_audio, video.scene_count) == (17.6, 640, True, 4)
    assert [scene.index for scene in video.scenes] == [0, 1, 2, 3]
    assert [scene.start_s for scene in video.scenes] == [0.0, 7.0, 9.4, 15.0]
    for address in (video.subtitles_vtt_url, video.subtitles_srt_url, video.scenes[2].thumbnail_url, video.play_url):
        assert samples_api.get(address).status_code == 200


def test_the_scenes_of_a_video_page_by_page(samples_api):
    video_id = videos(samples_api, name="garage").videos[0].video_id
    whole = ScenePage.model_validate(ask(samples_api, f"/v1/videos/{video_id}/scenes"))
    first = ScenePage.model_validate(ask(samples_api, f"/v1/videos/{video_id}/scenes", limit=3))
    rest = ScenePage.model_validate(
        ask(samples_api, f"/v1/videos/{video_id}/scenes", limit=3, cursor=first.next_cursor)
    )
    assert (len(first.scenes), len(rest.scenes), rest.next_cursor) == (3, 1, None)
    assert first.scenes + rest.scenes == whole.scenes
    assert "brake pads" in whole.scenes[0].transcript
    assert whole.scenes[0].segments[0].text.strip().startswith("please replace")
    for scene in whole.scenes:
        assert SceneDetail.model_validate(ask(samples_api, f"/v1/scenes/{scene.scene_id}")) == scene


@pytest.mark.parametrize("video_id", [ABSENT, "garage.mp4", "..%2F..%2Fkeys"])
def test_no_such_video(samples_api, video_id):
    for path in ("", "/scenes", "/subtitles.vtt", "/subtitles.srt"):
        answer = samples_api.get(f"/v1/videos/{video_id}{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_what_filters_can_be_set_to(samples_api):
    tags = TagList.model_validate(ask(samples_api, "/v1/tags")).tags
    assert "red background" in tags
    assert tags == sorted(tags)
    assert LanguageList.model_validate(ask(samples_api, "/v1/languages")).languages == ["en"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/datasets",
        "/v1/jobs",
        "/v1/tags",
        "/v1/languages",
        "/v1/me",
        "/v1/health",
        "/metrics",
        f"/v1/videos/{ABSENT}",
    ],
)
def test_a_parameter_that_a_route_has_not_is_named(samples_api, path):
    answer = samples_api.get(path, params={"colour": "red"})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "There is no parameter 'colour'; /docs lists those of this route.",
    )


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def shelf_client(store: MemoryStore, offline: Settings) -> TestClient:
    return client_of(open_api(store_backend(store, offline)))


def test_scenes_have_the_place_that_the_manifest_gives_them(store, shelf_client):
    video = shelve(store, StoredSource(uri="s3://films/placed.mp4", etag="x", size_bytes=3), scenes=3)
    page = ScenePage.model_validate(ask(shelf_client, f"/v1/videos/{video.video_id}/scenes", limit=2))
    rest = ScenePage.model_validate(
        ask(shelf_client, f"/v1/videos/{video.video_id}/scenes", limit=2, cursor=page.next_cursor)
    )
    found = [*page.scenes, *rest.scenes]
    assert [(scene.index, scene.scene_id) for scene in found] == list(enumerate(video.scene_ids))
    Catalog(store, "default").delete_manifest(video.video_id)


def test_a_video_in_quarantine_says_why_and_what_to_do(store, shelf_client):
    source = StoredSource(uri="file:///films/notes.mp4", etag="x", size_bytes=3)
    Catalog(store, "default").put_quarantine(
        QuarantineRecord(
            quarantine_id=ABSENT,
            workspace="default",
            source=source,
            code="unsupported_container",
            reason="notes.mp4 is a text.",
            attempts=5,
            pipeline_fingerprint="f",
            first_failed_at=NOW,
            last_failed_at=NOW,
            run_id="run",
        )
    )
    shelve(store, StoredSource(uri="s3://films/good.mp4", etag="x", size_bytes=3))
    client = shelf_client
    found = videos(client).videos
    assert [(video.name, video.state) for video in found] == [("notes.mp4", "quarantined"), ("good.mp4", "indexed")]
    assert (found[0].problem, found[0].problem_code, found[0].attempts) == (
        "notes.mp4 is a text.",
        "unsupported_container",
        5,
    )
    assert "leaves it out" in (found[0].next_step or "")
    assert (found[1].problem, found[1].next_step) == (None, None)
    assert JobList.model_validate(ask(client, "/v1/jobs")).jobs == []
    assert DatasetList.model_validate(ask(client, "/v1/datasets")).datasets == []


def test_who_asks(samples_api, offline):
    me = Me.model_validate(ask(samples_api, "/v1/me"))
    assert (me.workspace, me.role, me.key_id, me.max_image_mib) == ("default", "admin", None, 8)
    assert me.toy_lists == ["caption", "image", "visual"]
    store = MemoryStore()
    access = Access(store, offline.serve, None)
    key = access.keys.create("away", "reader", datetime.now(UTC))
    keyed = client_of(make_api(store_backend(store, offline), access), peer="10.0.0.7")
    mine = keyed.get("/v1/me", headers={"X-API-Key": key.token})
    assert Me.model_validate_json(mine.content).model_dump(include={"workspace", "role", "key_id"}) == {
        "workspace": "away",
        "role": "reader",
        "key_id": key.key.key_id,
    }
    assert keyed.get("/v1/me").status_code == 401
    assert keyed.get("/v1/health").status_code == 200
    assert keyed.get("/metrics").status_code == 401
    assert keyed.get("/metrics", headers={"X-API-Key": key.token}).status_code == 403


def test_health_that_is_not_well(offline):
    ill = Health(state="degraded", index="It is away.", encoders="ok", store="ok", version="1")
    backend = store_backend(MemoryStore(), offline)
    sick = dataclasses.replace(backend, health=lambda: ill)
    answer = client_of(open_api(sick)).get("/v1/health")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert Health.model_validate_json(answer.content) == ill


def test_however_often_the_health_is_asked_for_it_is_looked_at_once_a_second(offline):
    looks = []
    well = Health(state="ok", index="ok", encoders="ok", store="ok", version="1")

    def look():
        looks.append(1)
        return well

    backend = dataclasses.replace(store_backend(MemoryStore(), offline), health=look)
    client = client_of(open_api(backend))
    begun = time.monotonic()
    assert [client.get("/v1/health").status_code for _ in range(5)] == [200] * 5
    assert len(looks) <= 1 + (time.monotonic() - begun)


def test_datasets_are_counted_once_in_a_while_and_anew_after_a_change(offline):
    store = MemoryStore()
    video = shelve(store, StoredSource(uri="s3://films/one.mp4", etag="x", size_bytes=3))
    client = client_of(open_api(store_backend(store, offline)))
    place = f"/v1/datasets/workshop/videos/{video.video_id}"

    def counted():
        return [(each["name"], each["video_count"]) for each in ask(client, "/v1/datasets")["datasets"]]

    assert counted() == []
    assert client.put(place).json()["done"]
    assert counted() == [("workshop", 1)]
    for key in list(store.list("datasets/")):  # by another process
        store.delete(key)
    assert counted() == [("workshop", 1)]


def test_figures_for_prometheus(samples_api):
    ask(samples_api, "/v1/search", q="brake pads")
    samples_api.get("/v1/videos/secret-name")
    samples_api.get("/nowhere/secret-name")
    text = samples_api.get("/metrics").text
    assert 'footage_http_requests_total{method="GET",route="/v1/search",status="200"}' in text
    assert 'footage_search_part_seconds_bucket{le="0.05",part="encode"}' in text
    assert 'route="/v1/videos/{video_id}",status="404"' in text
    assert 'route="other",status="404"' in text
    assert "secret-name" not in text


def test_every_answer_has_a_name_and_is_kept_by_nobody(samples_api):
    answer = samples_api.get("/v1/me")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    wrong = samples_api.get("/v1/nowhere")
    assert wrong.json()["instance"] == f"urn:uuid:{wrong.headers['x-request-id']}"


def test_the_page_about_the_api_asks_no_other_server(samples_api):
    page = samples_api.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    for name, kind in (("swagger-ui-bundle.js", "javascript"), ("swagger-ui.css", "css"), ("start.js", "javascript")):
        file = samples_api.get(f"/docs/{name}")
        assert file.status_code == 200
        assert kind in file.headers["content-type"]
    assert samples_api.get("/docs/index.html").status_code == 404


def test_every_problem_leads_to_its_explanation(samples_api):
    place, _, anchor = samples_api.get("/v1/nowhere").json()["type"].partition("#")
    page = samples_api.get(place)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'<h2 id="{anchor}">404 Not found</h2>' in page.text
