import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.local_sources import file_source, file_uri
from footage.settings import Settings
from footage.sidecar import Sidecar, StoredSource, stored_source
from footage.storage import ObjectStore
from serve_apps.api_types import Problem
from serve_apps.backend import MANIFESTS_GOOD_FOR_S
from tests.serve_apps.served import client_of, open_api, store_backend
from tests.serve_apps.shelf import JPEG, Shelved, shelve

FILM = bytes(range(256)) * 4  # 1024 bytes
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DirectoryStore:
    """Of all tests here, each of which has a video of its own: making the API takes longer than asking it."""
    return DirectoryStore(tmp_path_factory.mktemp("media") / "store")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "a film.mp4"
    path.write_bytes(FILM)
    return path


@pytest.fixture
def video(store: ObjectStore, film: Path) -> Shelved:
    return shelve(store, stored_source(file_source(film)))


@pytest.fixture(scope="module")
def client(store: ObjectStore, offline: Settings) -> TestClient:
    return client_of(open_api(store_backend(store, offline)))


def test_the_whole_file(client, video):
    answer = client.get(f"/v1/media/{video.video_id}")
    assert (answer.status_code, answer.content) == (200, FILM)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''a%20film.mp4"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, 1023), ("bytes=10-19", 10, 19), ("bytes=-24", 1000, 1023), ("bytes=1000-9999", 1000, 1023)],
)
def test_a_range(client, video, asked, first, last):
    answer = client.get(f"/v1/media/{video.video_id}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, FILM[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1024"
    assert answer.headers["content-type"] == "video/mp4"


def test_several_ranges(client, video):
    answer = client.get(f"/v1/media/{video.video_id}", headers={"Range": "bytes=0-1,1000-1001"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert b"Content-Range: bytes 0-1/1024\r\n\r\n\x00\x01" in answer.content
    assert b"Content-Range: bytes 1000-1001/1024\r\n\r\n\xe8\xe9" in answer.content


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=-0", "bytes=5000-6000", "bytes=0-1,2000-"])
def test_a_range_behind_the_end(client, video, asked):
    answer = client.get(f"/v1/media/{video.video_id}", headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1024")
    assert Problem.model_validate_json(answer.content).detail == f"The range {asked} lies behind the end: 1024 bytes."


@pytest.mark.parametrize(
    "asked", ["bytes=5-1", "bytes=a-b", "lines=0-1", "bytes=-", "0-5", "bytes=" + "9" * 5000 + "-"]
)
def test_a_range_that_is_none_is_as_if_it_were_not_there(client, video, asked):
    answer = client.get(f"/v1/media/{video.video_id}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, FILM)


def test_a_range_of_a_file_that_is_another_by_now_is_the_whole_of_it(client, video):
    etag = client.get(f"/v1/media/{video.video_id}").headers["etag"]
    for held, status in ((etag, 206), ('"other"', 200)):
        answer = client.get(f"/v1/media/{video.video_id}", headers={"Range": "bytes=0-1", "If-Range": held})
        assert answer.status_code == status
    beyond = client.get(f"/v1/media/{video.video_id}", headers={"Range": "bytes=9999-", "If-Range": '"other"'})
    assert beyond.status_code == 200


def test_head_says_the_same_without_the_bytes(client, video):
    for path in (video.video_id, f"{video.video_id}/{video.scene_ids[0]}.jpg"):
        got, headed = client.get(f"/v1/media/{path}"), client.head(f"/v1/media/{path}")
        assert (headed.status_code, headed.content) == (200, b"")
        names = ("content-type", "content-length", "etag", "cache-control")
        assert [headed.headers[name] for name in names] == [got.headers[name] for name in names]


def test_what_the_client_has_is_not_sent_again(client, video):
    for path in (video.video_id, *(f"{video.video_id}/{video.scene_ids[0]}.{kind}" for kind in ("jpg", "json"))):
        got = client.get(f"/v1/media/{path}")
        again = client.get(f"/v1/media/{path}", headers={"If-None-Match": f'"x", W/{got.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", got.headers["etag"])
        assert client.get(f"/v1/media/{path}", headers={"If-None-Match": "*"}).status_code == 304
        other = client.get(f"/v1/media/{path}", headers={"If-None-Match": '"x"'})
        assert other.content == got.content


def test_a_thumbnail_and_a_sidecar(client, store, video):
    for index, scene_id in enumerate(video.scene_ids):
        thumbnail = client.get(f"/v1/media/{video.video_id}/{scene_id}.jpg")
        assert (thumbnail.content, thumbnail.headers["content-type"]) == (JPEG + bytes([index]), "image/jpeg")
        sidecar = Sidecar.model_validate_json(client.get(f"/v1/media/{video.video_id}/{scene_id}.json").content)
        stored = Catalog(store, "default").sidecar(video.video_id, scene_id)
        assert stored is not None
        assert sidecar == stored.model_copy(update={"index": index})  # its place is the manifest's


def test_only_what_a_video_of_the_workspace_has_is_given(client, store, film, video):
    elsewhere = shelve(store, stored_source(file_source(film)), workspace="away")
    assert elsewhere.video_id != video.video_id
    for path in (
        elsewhere.video_id,
        ABSENT,
        "no-id",
        "..%2F..%2Fstore-id",
        f"{elsewhere.video_id}/{elsewhere.scene_ids[0]}.jpg",
        f"{video.video_id}/{elsewhere.scene_ids[0]}.jpg",
        f"{video.video_id}/{elsewhere.scene_ids[0]}.json",
        f"{video.video_id}/manifest.json",
        f"{video.video_id}/{ABSENT}.json",
    ):
        answer = client.get(f"/v1/media/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_scene_that_no_manifest_has_yet_is_not_given(client, store, video):
    catalog = Catalog(store, "default")
    half = catalog.sidecar(video.video_id, video.scene_ids[0])
    assert half is not None
    catalog.put_thumbnail(video.video_id, ABSENT, JPEG)
    catalog.put_sidecar(half.model_copy(update={"scene_id": ABSENT}))
    for kind in ("jpg", "json"):
        assert client.get(f"/v1/media/{video.video_id}/{ABSENT}.{kind}").status_code == 404


def _lengthen(film: Path) -> None:
    film.write_bytes(FILM + b"more")


def _make_folder(film: Path) -> None:
    film.unlink()
    film.mkdir()


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        (Path.unlink, 410, "is not where it was when it was indexed"),
        (_make_folder, 410, "is not where it was when it was indexed"),
        (_lengthen, 409, "was changed since it was indexed"),
    ],
)
def test_a_file_that_is_gone_or_another_one(
    client: TestClient, video: Shelved, film: Path, change: Callable[[Path], None], status: int, sentence: str
) -> None:
    change(film)
    answer = client.get(f"/v1/media/{video.video_id}")
    assert answer.status_code == status
    problem = Problem.model_validate_json(answer.content)
    assert sentence in problem.detail
    assert "a film.mp4" in problem.detail
    assert str(film.parent) not in problem.detail


def test_another_source_of_the_same_bytes_serves_as_well(client, store, tmp_path, film):
    gone = StoredSource(uri=file_uri(tmp_path / "gone.mp4"), etag="x", size_bytes=1024)
    deleted = StoredSource(uri=file_uri(film), etag="x", size_bytes=1024, deleted_at="2026-01-01T12:00:00.000+00:00")
    copy = tmp_path / "second.mkv"
    copy.write_bytes(FILM)
    video = shelve(store, gone, deleted, stored_source(file_source(copy)))
    answer = client.get(f"/v1/media/{video.video_id}")
    assert (answer.status_code, answer.content) == (200, FILM)
    assert answer.headers["content-type"] == "video/x-matroska"


def test_an_original_that_was_deleted_on_purpose_is_not_given_though_a_file_is_there(client, store, film):
    deleted = StoredSource(uri=file_uri(film), etag="x", size_bytes=1024, deleted_at="2026-01-01T12:00:00.000+00:00")
    answer = client.get(f"/v1/media/{shelve(store, deleted).video_id}")
    assert (answer.status_code, answer.json()["title"]) == (410, "Gone")


@pytest.mark.parametrize("name", ["page.html", "script.js", "film", "picture.svg", "film.MP4"])
def test_a_file_is_a_video_or_bytes_and_never_a_page(client, store, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"<script>alert(1)</script>")
    answer = client.get(f"/v1/media/{shelve(store, stored_source(file_source(path))).video_id}")
    wanted = "video/mp4" if name.endswith(".MP4") else "application/octet-stream"
    assert answer.headers["content-type"] == wanted


def test_a_name_that_no_header_could_carry(client, store, tmp_path):
    path = tmp_path / os.fsdecode(b'gr\xc3\xbc\xc3\x9fe"\n\xff.mp4')
    path.write_bytes(FILM)
    answer = client.get(f"/v1/media/{shelve(store, stored_source(file_source(path))).video_id}")
    assert (answer.status_code, answer.content) == (200, FILM)
    assert "\n" not in answer.headers["content-disposition"]


@pytest.mark.parametrize(("kind", "media_type"), [("vtt", "text/vtt"), ("srt", "application/x-subrip")])
def test_subtitles(client, store, film, kind, media_type):
    video = shelve(store, stored_source(file_source(film)), scenes=70)  # more than are read at once
    answer = client.get(f"/v1/videos/{video.video_id}/subtitles.{kind}")
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["content-disposition"] == f"inline; filename*=utf-8''a%20film.en.{kind}"
    lines = answer.text.splitlines()
    assert [line for line in lines if line.startswith("scene")] == [f"scene {index}" for index in range(70)]
    assert client.get(f"/v1/videos/{ABSENT}/subtitles.{kind}").status_code == 404


@pytest.mark.parametrize("kind", ["vtt", "srt"])
def test_subtitles_that_the_client_has_cost_no_reading_of_scenes(client, store, video, kind):
    address = f"/v1/videos/{video.video_id}/subtitles.{kind}"
    etag = client.get(address).headers["etag"]
    for scene_id in video.scene_ids:  # whoever reads them now finds nothing
        store.delete(Catalog(store, "default").sidecar_key(video.video_id, scene_id))
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = "srt" if kind == "vtt" else "vtt"
    assert client.get(address.replace(kind, other), headers={"If-None-Match": etag}).status_code == 200


def test_a_thumbnail_that_the_client_has_is_not_read(client, store, video):
    address, other = (f"/v1/media/{video.video_id}/{scene_id}.jpg" for scene_id in video.scene_ids)
    etag = client.get(address).headers["etag"]
    store.delete(Catalog(store, "default").thumbnail_key(video.video_id, video.scene_ids[0]))
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(other, headers={"If-None-Match": etag}).status_code == 200


class Counting(DirectoryStore):
    """Counts reads of manifests."""

    manifests_read = 0

    def get(self, key: str) -> bytes:
        self.manifests_read += key.endswith("manifest.json")
        return super().get(key)


def test_the_files_of_a_page_read_a_manifest_once_and_a_deleted_video_is_soon_gone(
    tmp_path: Path, film: Path, offline: Settings
) -> None:
    store = Counting(tmp_path / "counted")
    video = shelve(store, stored_source(file_source(film)))
    backend = store_backend(store, offline)
    client = client_of(open_api(backend))
    store.manifests_read = 0
    pictures = [f"/v1/media/{video.video_id}/{scene_id}.jpg" for scene_id in video.scene_ids]
    for address in (*pictures, pictures[0].replace("jpg", "json"), f"/v1/media/{video.video_id}"):
        assert client.get(address).status_code == 200
    assert store.manifests_read == 1

    Catalog(store, "default").delete_manifest(video.video_id)  # by another process
    time.sleep(MANIFESTS_GOOD_FOR_S)
    assert client.get(pictures[0]).status_code == 404


def test_what_this_process_deletes_is_gone_at_once(tmp_path: Path, film: Path, offline: Settings) -> None:
    store = DirectoryStore(tmp_path / "own")
    video = shelve(store, stored_source(file_source(film)))
    backend = store_backend(store, offline)
    client = client_of(open_api(backend))
    assert client.get(f"/v1/media/{video.video_id}").status_code == 200
    Catalog(store, "default").delete_manifest(video.video_id)
    backend.forget("default", video.video_id)
    assert client.get(f"/v1/media/{video.video_id}").status_code == 404


def test_a_workspace_is_never_given_what_another_asked_for(tmp_path: Path, film: Path, offline: Settings) -> None:
    store = DirectoryStore(tmp_path / "two")
    video = shelve(store, stored_source(file_source(film)))
    backend = store_backend(store, offline)
    assert backend.recent_manifest("default", video.video_id) is not None
    assert backend.recent_manifest("annex", video.video_id) is None


def test_subtitles_while_a_scene_is_being_deleted(client, store, video):
    store.delete(Catalog(store, "default").sidecar_key(video.video_id, video.scene_ids[0]))
    text = client.get(f"/v1/videos/{video.video_id}/subtitles.vtt").text
    assert "scene 0" not in text
    assert "scene 1" in text
