"""The whole API over a real store, embedded index and encoder, in this process: without Ray."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from actors.model_preparation import PreparedModels
from actors.query_encoder import QueryEncoder
from actors.scene_searcher import SceneSearcher
from actors.video_searcher import VideoSearcher
from footage.embedded_index import EmbeddedIndex
from footage.index import VectorIndex
from footage.settings import Settings
from footage.storage import ObjectStore
from footage.store_address import open_store
from footage.store_reads import StoreReads
from footage.toy_lists import toy_lists
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.api_types import Health
from serve_apps.backend import Backend

ORIGIN = "http://127.0.0.1"
WELL = Health(state="ok", index="ok", encoders="ok", store="ok", version="test")


@contextlib.contextmanager
def embedded_backend(store_root: Path, settings: Settings, prepared: PreparedModels) -> Iterator[Backend]:
    """A backend over a store of this machine, whose index is opened; nobody else may have it open."""
    store = open_store(str(store_root), settings.s3)
    path = store_root / "index" / "scenes"
    with EmbeddedIndex(path, prepared.index_spec(), owner="a test", wait_s=10, create=False) as index:
        yield backend_of(store, index, settings, QueryEncoder(prepared))


def backend_of(store: ObjectStore, index: VectorIndex, settings: Settings, encoder: QueryEncoder) -> Backend:
    """A backend of these parts."""
    reads = StoreReads(store)
    return Backend(
        reads=reads,
        searcher=SceneSearcher(index, reads, encoder, settings.search, toy_lists(settings)),
        video_searcher=VideoSearcher(index, reads, encoder),
        index=index,
        settings=settings,
        health=lambda: WELL,
    )


def open_api(backend: Backend, workspace: str | None = "default") -> FastAPI:
    """The API; without keys in this workspace, or with keys (None)."""
    return make_api(backend, Access(backend.store, backend.settings.serve, workspace))


def client_of(app: FastAPI, peer: str = "127.0.0.1") -> TestClient:
    """A client as a program on this machine is one, or at another address: redirects are shown, and faults raised."""
    return TestClient(app, base_url=ORIGIN, follow_redirects=False, client=(peer, 50000))


@contextlib.contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The app under uvicorn, in a thread, on a free port of loopback. Gives its URL, without a slash at the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            listener.listen()
            yield f"{ORIGIN}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def store_backend(store: ObjectStore, settings: Settings) -> Backend:
    """A backend of a store alone, for routes that search nothing."""
    nothing: Any = None
    return Backend(StoreReads(store), nothing, nothing, nothing, settings, lambda: WELL)
