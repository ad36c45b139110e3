"""Two workspaces in one store and one index, of which one asks for what the other has.

There is a second service, over a store in which the other workspace never was. Whatever is asked with a key of the
first one, both services have to say the same: then nothing of the other can be learned.
"""

import asyncio
import hashlib
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from actors.scene_searcher import SceneSearcher
from actors.scene_writer import SceneWriter
from actors.video_searcher import VideoSearcher
from footage import identity
from footage.api_keys import ROLES, KeyBook
from footage.audit_log import Actor, AuditLog
from footage.catalog import Catalog
from footage.claiming import take_claim
from footage.dataset_changes import join_dataset
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_records import SceneFilter, VideoPoint
from footage.leases import RunLease
from footage.local_sources import file_uri
from footage.serve_settings import ServeSettings
from footage.settings import Settings
from footage.sidecar import QuarantineRecord, StoredDescription, StoredEmbedding, StoredSource
from footage.store_reads import StoreReads
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.backend import Backend
from serve_apps.signed_urls import service_secret
from tests.serve_apps.served import WELL
from tests.spans import FINGERPRINT, MODELS, SPEC, claim_of, span_row, spans, unit
from tests.studio import WordEncoder

OWN, OTHER = "studio", "annex"
WORDS = {OWN: "pacific", OTHER: "atlantis"}  # in all that only one of the two has
LANGUAGES = {OWN: "en", OTHER: "fi"}
BYTES = b"the same bytes in both workspaces"
_LEASE_S = 3600.0


class Film(NamedTuple):
    """A video to index."""

    path: Path
    content: bytes


class Possessions(NamedTuple):
    """What a workspace has that requests can name."""

    video: str
    scene: str
    dataset: str
    key: str  # its id
    word: str  # in names, transcripts, tags
    language: str
    tokens: dict[str, str]  # keys by role


class Furniture:
    """Fills a workspace."""

    def __init__(self, store: DirectoryStore, index: EmbeddedIndex, films: Path, workspace: str) -> None:
        self.store, self.index, self.films, self.workspace = store, index, films, workspace
        self.word = WORDS[workspace]
        self.catalog = Catalog(store, workspace)

    def fill(self) -> Possessions:
        video, scene = self.film(Film(self.films / f"{self.word}.mp4", BYTES))
        other, _ = self.film(Film(self.films / f"{self.word}-2.mp4", self.word.encode()))
        for dataset in (self.word, "both"):
            assert join_dataset(self.catalog, dataset, video)
        assert join_dataset(self.catalog, "both", other)
        self.describe(video)
        self.film(Film(self.films / f"{self.word}-3.mp4", b"3"), is_finished=False)
        self.refused()
        now = datetime.now(UTC)
        book = KeyBook(self.store)
        made = {role: book.create(self.workspace, role, now, name=f"{self.word} {role}") for role in ROLES}
        AuditLog(self.store, self.workspace).add(Actor(self.word), "gc", self.word, detail=self.word)
        tokens = {role: new.token for role, new in made.items()}
        return Possessions(
            video, scene, self.word, made["reader"].key.key_id, self.word, LANGUAGES[self.workspace], tokens
        )

    def film(self, film: Film, is_finished: bool = True) -> tuple[str, str]:
        """Index a file; gives the ids of its video and of its first scene."""
        film.path.write_bytes(film.content)
        run_id, now = f"run-{film.path.stem}", datetime.now(UTC)
        RunLease(self.catalog, run_id, f"footage index {film.path}", str(film.path), _LEASE_S).take(now)
        sha256 = hashlib.sha256(film.content).hexdigest()
        source = StoredSource(uri=file_uri(film.path), etag="e", size_bytes=len(film.content))
        wanted = claim_of(film.path.stem, 1 if is_finished else 2, run_id).model_copy(
            update={"video_id": identity.video_id(self.workspace, sha256), "sha256": sha256, "source": source}
        )
        taken = take_claim(self.catalog, wanted, now)
        said, language = (f"red car {self.word}", "blue house"), LANGUAGES[self.workspace]
        row = span_row(taken.claim, 0, said, language, workspace=self.workspace) | self._seen()
        SceneWriter(self.catalog, self.index, FINGERPRINT, MODELS, lease_s=0)(spans(row))
        return wanted.video_id, row["scene_ids"][0]

    def _seen(self) -> dict[str, Any]:
        encoder = WordEncoder()
        said = [encoder.encode(text) for text in ("red car", "blue house")]
        return {
            "transcript_dense": [one.transcript.tolist() for one in said],
            "transcript_sparse": [
                {"indices": one.transcript_sparse.indices, "values": one.transcript_sparse.values} for one in said
            ],
            "visual": [one.visual.tolist() for one in said],
            "vision_tags": [[(self.word, 0.9)], [("outdoor", 0.8)]],
            "thumbnails": [f"jpeg {self.word} {number}".encode() for number in range(2)],
        }

    def describe(self, video_id: str) -> None:
        """Give a video a description."""
        told = StoredDescription(
            text=f"A film of {self.word}.",
            model="m",
            embedding=StoredEmbedding(model=SPEC.text_model, dimensions=SPEC.text_dimensions, has_embedding=True),
            fingerprint="f",
            described_at=datetime.now(UTC).isoformat(),
        )
        self.catalog.change_manifest(video_id, lambda held: held.model_copy(update={"description": told}))
        self.index.put_descriptions([VideoPoint(video_id, self.workspace, LANGUAGES[self.workspace], unit(1, 1, 1, 1))])

    def refused(self) -> None:
        """A file in quarantine."""
        uri, at = f"file:///{self.word}/broken.mp4", datetime.now(UTC).isoformat()
        record = QuarantineRecord(
            quarantine_id=identity.quarantine_id(uri, None),
            workspace=self.workspace,
            source=StoredSource(uri=uri, etag="e", size_bytes=1),
            code="empty_source",
            reason=f"{uri} has no bytes.",
            attempts=1,
            pipeline_fingerprint=FINGERPRINT,
            first_failed_at=at,
            last_failed_at=at,
            run_id="run-1",
        )
        self.catalog.put_quarantine(record)


class Service:
    """The API over one store, in this process."""

    def __init__(self, root: Path, settings: Settings, stack: ExitStack) -> None:
        self.store = DirectoryStore(root)
        self.index = stack.enter_context(EmbeddedIndex(root / "index" / "scenes", SPEC, owner="a test"))
        encoder, reads = WordEncoder(), StoreReads(self.store)
        backend = Backend(
            reads=reads,
            searcher=SceneSearcher(self.index, reads, encoder, settings.search),
            video_searcher=VideoSearcher(self.index, reads, encoder),
            index=self.index,
            settings=settings,
            health=lambda: WELL,
        )
        self.app: FastAPI = make_api(backend, Access(self.store, settings.serve, None))

    @cached_property
    def client(self) -> TestClient:
        return TestClient(self.app, base_url="https://footage.example", follow_redirects=False)

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {**({} if token is None else {"X-API-Key": token}), **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def raw(self, path: bytes, token: str, method: str = "GET") -> tuple[int, bytes]:
        """Ask for a path just as it is written: clients mend `..` and the like before they send it."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"footage.example"), (b"x-api-key", token.encode())],
            "client": ("10.0.0.9", 1234),
            "server": ("footage.example", 443),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)

    def held_by(self, workspace: str) -> dict[str, Any]:
        """All that the store and the index have of a workspace."""
        keys = [key for key in self.store.list("") if f"/{workspace}/" in key and not key.startswith("index/")]
        points = self.index.scan(SceneFilter(workspace, live_only=False), None, 1000, with_vectors=False).points
        book = KeyBook(self.store).all(StoreReads(self.store), workspace)
        return {"objects": {key: self.store.get(key) for key in keys}, "points": points, "keys": book}


class Tenants(NamedTuple):
    """Both services, and what the two workspaces have."""

    both: Service
    alone: Service
    own: Possessions
    other: Possessions

    def same(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """Ask both; they say the same, and this is it."""
        said = [service.ask(method, path, token, **more) for service in (self.both, self.alone)]
        assert plain(said[0]) == plain(said[1]), f"{method} {path} {more}"
        return said[0]


def make_stores(root: Path) -> tuple[Possessions, Possessions]:
    """Make the stores `both` and `alone` in a folder; gives what the two workspaces have."""
    films = root / "films"
    films.mkdir()

    def filled(name: str, workspace: str) -> Possessions:
        store = DirectoryStore(root / name)
        with EmbeddedIndex(root / name / "index" / "scenes", SPEC, owner="a test") as index:
            return Furniture(store, index, films, workspace).fill()

    own = filled("alone", OWN)
    service_secret(DirectoryStore(root / "alone"))  # both sign alike
    shutil.copytree(root / "alone", root / "both")
    return own, filled("both", OTHER)


def tenant_settings(settings: Settings) -> Settings:
    """Settings under which no limit is met."""
    return settings.model_copy(update={"serve": ServeSettings(requests_per_minute=1_000_000, key_cache_s=0)})


_SIGNED = re.compile(r"expires=\d+&workspace=(\w+)&signature=[0-9a-f]+")
_CHANGING = {"took_ms", "instance", "key", "key_id", "created_at", "entry_id", "at", "subject"}
_HEADERS = ("content-type", "www-authenticate", "location", "etag", "allow", "cache-control")


def plain(response: httpx.Response) -> tuple[int, Mapping[str, str], Any]:
    """An answer without what differs between any two."""
    headers = {name: _unsigned(response.headers[name]) for name in _HEADERS if name in response.headers}
    path = response.request.url.path
    if path == "/metrics" and response.status_code == 200:
        return 200, {}, None  # counts of the process, of whatever workspace; a test of their own looks into them
    if "json" not in headers.get("content-type", "") or not response.content:
        return response.status_code, headers, response.content
    settled = _settled(response.json())
    if path == "/v1/audit":  # where a page begins is the time of an entry
        settled.pop("next_cursor", None)
    return response.status_code, headers, settled


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _settled(one) for name, one in value.items() if name not in _CHANGING}
    if isinstance(value, list):
        return [_settled(one) for one in value]
    return _unsigned(value) if isinstance(value, str) else value


def _unsigned(text: str) -> str:
    return _SIGNED.sub(r"of \1", text)
