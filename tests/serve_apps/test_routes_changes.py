from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from actors.scene_searcher import SceneSearcher
from actors.video_searcher import VideoSearcher
from footage.api_keys import Role
from footage.audit_log import AuditLog
from footage.catalog import Catalog
from footage.dataset_changes import join_dataset
from footage.leases import RunLease
from footage.local_sources import file_uri
from footage.reindex_guard import WORKSPACE as REINDEX
from footage.serve_settings import ServeSettings
from footage.settings import Settings
from footage.store_reads import StoreReads
from serve_apps.access import Access
from serve_apps.backend import Backend
from serve_apps.problems import install_handlers
from serve_apps.routes_changes import changes_router
from tests.archive import Archive
from tests.serve_apps.served import WELL
from tests.spans import WORKSPACE
from tests.studio import WordEncoder

NOBODY = "00000000-0000-4000-8000-000000000000"


class Desk:
    """The routes over a store with films `here` and `gone`, of which `gone` is gone; so is `kept`, but in a set."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.films = root / "films"
        self.films.mkdir()
        self.archive = Archive(root / "store", file_uri(self.films))
        self.ids = {name: self.archive.add(name) for name in ("here", "gone", "kept")}
        (self.films / "here.mp4").write_bytes(b"here")
        assert join_dataset(self.archive.catalog, "pilots", self.ids["kept"])
        store, index, encoder = self.archive.store, self.archive.engine, WordEncoder()
        reads = StoreReads(store)
        searcher = SceneSearcher(index, reads, encoder, settings.search)
        videos = VideoSearcher(index, reads, encoder)
        backend = Backend(reads, searcher, videos, index, settings, lambda: WELL)
        self.access = Access(store, ServeSettings(key_cache_s=3600), None)
        app = FastAPI()
        install_handlers(app)
        app.include_router(changes_router(backend, self.access))
        self.client = TestClient(app)
        self.tokens = {role: self._token(role) for role in ("reader", "editor", "admin")}

    def _token(self, role: Role) -> str:
        return self.access.keys.create(WORKSPACE, role, datetime.now(UTC), name=f"the {role}").token

    def ask(self, method: str, path: str, role: str = "admin", **more: Any) -> httpx.Response:
        return self.client.request(method, f"/v1/{path}", headers={"X-API-Key": self.tokens[role]}, **more)

    def log(self) -> list[tuple[str, ...]]:
        """Who did what to what, how it went, and its detail; the latest first."""
        entries = AuditLog(self.archive.store, WORKSPACE).newest()
        return [(one.who, one.action, one.subject, one.outcome, one.detail) for one in entries]


@pytest.fixture
def desk(tmp_path: Path, offline: Settings) -> Iterator[Desk]:
    desk = Desk(tmp_path, offline)
    yield desk
    desk.archive.close()


def told(response: httpx.Response) -> tuple[int, bool, str]:
    return response.status_code, response.json()["done"], response.json()["detail"]


def test_a_video_goes_if_it_may_or_must(desk: Desk) -> None:
    here, gone, kept = (desk.ids[name] for name in ("here", "gone", "kept"))
    source = file_uri(desk.films / "here.mp4")
    stays = f"Its source {source} is there, but no dataset refers to it."
    assert told(desk.ask("DELETE", f"videos/{here}", "editor")) == (200, False, stays)
    goes = "Its source is gone, and no dataset refers to it."
    assert told(desk.ask("DELETE", f"videos/{gone}", "editor")) == (200, True, goes)
    assert desk.archive.held(gone) == {}
    assert desk.ask("DELETE", f"videos/{gone}", "editor").status_code == 404
    refers = "Its source is gone, but dataset pilots refers to it."
    assert told(desk.ask("DELETE", f"videos/{kept}", params={"force": "false"})) == (200, False, refers)
    forced = f"Forced, though its source {source} is there."
    assert told(desk.ask("DELETE", f"videos/{here}", params={"force": "true"})) == (200, True, forced)
    assert (desk.archive.held(here), (desk.films / "here.mp4").exists()) == ({}, True)
    assert desk.log() == [
        ("the admin", "delete video", here, "done", forced),
        ("the admin", "delete video", kept, "kept", refers),
        ("the editor", "delete video", gone, "done", goes),
        ("the editor", "delete video", here, "kept", stays),
    ]
    assert list(desk.archive.store.list("leases/")) == []


def test_while_the_index_is_rebuilt_nothing_is_deleted(desk: Desk) -> None:
    lease = RunLease(Catalog(desk.archive.store, REINDEX), "reindex-1", "footage reindex", "", 600)
    lease.take(datetime.now(UTC))
    answer = desk.ask("DELETE", f"videos/{desk.ids['gone']}")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert "points" in desk.archive.held(desk.ids["gone"])
    assert desk.log() == [
        ("the admin", "delete video", desk.ids["gone"], "failed", "IndexBusy: it may be done in part.")
    ]


def test_what_a_run_works_on_stays(desk: Desk) -> None:
    catalog, now = desk.archive.catalog, datetime.now(UTC)
    wanted = desk.archive.claim("gone", "gone", 1, "run-9", WORKSPACE, "another")
    RunLease(catalog, "run-9", "footage index", "/films", 600).take(now)
    catalog.claims.delete(wanted.video_id)
    assert catalog.claims.create(wanted)
    status, is_done, detail = told(desk.ask("DELETE", f"videos/{desk.ids['gone']}"))
    assert (status, is_done) == (200, False)
    assert detail.startswith("A run works on it")


def test_datasets_are_changed(desk: Desk) -> None:
    here = desk.ids["here"]
    path = f"datasets/drafts/videos/{here}"
    assert told(desk.ask("PUT", path, "editor"))[:2] == (200, True)
    assert told(desk.ask("PUT", path, "editor")) == (200, False, "The video was in dataset drafts before.")
    assert list(desk.archive.catalog.datasets.videos("drafts")) == [here]
    assert told(desk.ask("DELETE", path, "editor"))[:2] == (200, True)
    assert told(desk.ask("DELETE", path, "editor")) == (200, False, "The video is not in dataset drafts.")
    assert list(desk.archive.catalog.datasets.names()) == ["pilots"]
    assert [entry[:4] for entry in desk.log()] == [
        ("the editor", "remove from dataset", f"drafts/{here}", "done"),
        ("the editor", "add to dataset", f"drafts/{here}", "done"),
    ]


def test_datasets_of_what_is_not_there(desk: Desk) -> None:
    for method in ("PUT", "DELETE"):
        for video_id in (NOBODY, "..", "x" * 300, desk.ids["here"].upper()):
            assert desk.ask(method, f"datasets/drafts/videos/{video_id}").status_code in (404, 405)
        answer = desk.ask(method, f"datasets/-x/videos/{desk.ids['here']}")
        assert (answer.status_code, "dataset '-x' cannot be used" in answer.json()["detail"]) == (400, True)
    assert desk.log() == []


def test_a_key_is_made_shown_once_used_and_ended(desk: Desk) -> None:
    wanted = {"role": "editor", "name": "Ann", "expires_in_s": 3600, "requests_per_minute": 3}
    answer = desk.ask("POST", "keys", json=wanted)
    made = answer.json()
    assert answer.status_code == 201
    lifetime = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lifetime == timedelta(hours=1)
    assert {**made, "key": "", "key_id": "", "created_at": "", "expires_at": ""} == {
        "key_id": "",
        "name": "Ann",
        "role": "editor",
        "state": "active",
        "created_at": "",
        "created_by": "the admin",
        "expires_at": "",
        "revoked_at": None,
        "requests_per_minute": 3,
        "key": "",
    }
    listed = desk.ask("GET", "keys")
    del (shown := dict(made))["key"]
    assert shown in listed.json()["keys"]
    assert "sha256" not in listed.text
    desk.tokens["new"] = made["key"]
    assert [desk.ask("GET", "keys", "new").status_code for _ in range(4)] == [403, 403, 403, 429]
    assert told(desk.ask("DELETE", f"keys/{made['key_id']}")) == (200, True, "The key works no more.")
    assert desk.ask("GET", "keys", "new").status_code == 401  # at once, in the process that ended it
    assert told(desk.ask("DELETE", f"keys/{made['key_id']}"))[1] is False
    assert desk.log() == [
        ("the admin", "revoke key", made["key_id"], "done", "Ann"),
        ("the admin", "create key", made["key_id"], "done", "editor Ann"),
    ]
    assert desk.ask("DELETE", f"keys/{'0' * 16}").status_code == 404


def test_what_cannot_be_a_key_is_refused(desk: Desk) -> None:
    wrong = ({"expires_in_s": 0}, {"expires_in_s": 1e300}, {"requests_per_minute": 0}, {"name": "x" * 201})
    for wanted in ({}, {"role": "boss"}, *({"role": "reader", **more} for more in wrong)):
        assert desk.ask("POST", "keys", json=wanted).status_code == 422, wanted
    assert desk.ask("POST", "keys", json={"role": "reader", "name": "two\nlines"}).status_code == 400
    assert desk.log() == []


def test_the_log_is_read_by_pages(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.ask("POST", "keys", json={"role": "reader", "name": name})
    first = desk.ask("GET", "audit", params={"limit": 2}).json()
    second = desk.ask("GET", "audit", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    entries = [*first["entries"], *second["entries"]]
    assert [entry["detail"] for entry in entries] == ["reader c", "reader b", "reader a"]
    assert {(entry["who"], entry["action"], entry["outcome"]) for entry in entries} == {
        ("the admin", "create key", "done")
    }
    assert entries[0]["key_id"] == desk.tokens["admin"].split("_")[1]
    assert second["next_cursor"] is None
