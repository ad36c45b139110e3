"""Originals that are no files of this machine: the client is sent to where they are."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from footage.s3_sources import s3_source
from footage.settings import Settings
from footage.sidecar import StoredSource, stored_source
from footage.storage_settings import SourceSettings
from footage.store_address import open_store
from tests.memory_store import MemoryStore
from tests.s3_servers import S3Server
from tests.serve_apps.served import client_of, open_api, store_backend
from tests.serve_apps.shelf import JPEG, Shelved, shelve

FILM = bytes(range(256)) * 4


class Bucket:
    """A bucket with a film, and the API over a video of it."""

    def __init__(self, server: S3Server, store: Any, client: TestClient) -> None:
        self.name = server.new_bucket()
        self.objects = server.client()
        self.put(FILM)
        uri = f"s3://{self.name}/2026/a film.mp4"
        self.video: Shelved = shelve(store, stored_source(s3_source(uri, server.settings)))
        self.client = client

    def put(self, data: bytes) -> None:
        self.objects.put_object(Bucket=self.name, Key="2026/a film.mp4", Body=data, ContentType="text/html")

    def remove(self) -> None:
        self.objects.delete_object(Bucket=self.name, Key="2026/a film.mp4")

    @property
    def path(self) -> str:
        return f"/v1/media/{self.video.video_id}"


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def client(moto_s3: S3Server, offline: Settings, store: MemoryStore) -> TestClient:
    """The films are at a service of their own, as `source_s3` allows."""
    settings = offline.model_copy(update={"source_s3": moto_s3.settings})
    return client_of(open_api(store_backend(store, settings)))


@pytest.fixture
def bucket(moto_s3: S3Server, store: MemoryStore, client: TestClient) -> Bucket:
    return Bucket(moto_s3, store, client)


def test_an_object_is_read_where_it_is(bucket):
    answer = bucket.client.get(bucket.path)
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    location = answer.headers["location"]
    assert int(parse_qs(urlsplit(location).query)["X-Amz-Expires"][0]) == 900  # serve.url_lifetime_s
    got = httpx2.get(location, headers={"Range": "bytes=2-5"})
    assert (got.status_code, got.content) == (206, FILM[2:6])
    assert got.headers["content-type"] == "video/mp4"  # not what whoever put it there said


def test_head_of_an_object_is_answered_here(bucket):
    answer = bucket.client.head(bucket.path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "1024"
    assert answer.headers["content-type"] == "video/mp4"


def test_an_object_that_was_changed(bucket):
    bucket.put(FILM[::-1])
    answer = bucket.client.get(bucket.path)
    assert answer.status_code == 409
    assert "'a film.mp4' was changed since it was indexed" in answer.json()["detail"]


def test_an_object_that_is_gone(bucket):
    bucket.remove()
    answer = bucket.client.get(bucket.path)
    assert answer.status_code == 410
    assert "'a film.mp4', is not where it was when" in answer.json()["detail"]


def test_a_store_in_a_bucket_gives_thumbnails_and_subtitles_itself(moto_s3, offline):
    settings = offline.model_copy(update={"s3": moto_s3.settings})
    store = open_store(f"s3://{moto_s3.new_bucket()}/store", moto_s3.settings)
    bucket = Bucket(moto_s3, store, client_of(open_api(store_backend(store, settings))))
    thumbnail = bucket.client.get(f"{bucket.path}/{bucket.video.scene_ids[1]}.jpg")
    assert (thumbnail.status_code, thumbnail.content) == (200, JPEG + b"\x01")
    assert "scene 1" in bucket.client.get(f"/v1/videos/{bucket.video.video_id}/subtitles.vtt").text


@pytest.mark.parametrize(
    ("allowed", "status"), [(("media.example.org",), 307), ((), 410), (("https://media.example.org/other/",), 410)]
)
def test_a_url_is_passed_on_where_the_settings_allow_it(offline, allowed, status):
    url = "https://media.example.org/films/a%20film.mp4"
    store = MemoryStore()
    video = shelve(store, StoredSource(uri=url, etag="x", size_bytes=1024))
    settings = offline.model_copy(update={"sources": SourceSettings(http_allow=allowed)})
    answer = client_of(open_api(store_backend(store, settings))).get(f"/v1/media/{video.video_id}")
    assert answer.status_code == status
    if status == 307:
        assert answer.headers["location"] == url
    else:
        assert "sources.http_allow" in answer.json()["detail"]
