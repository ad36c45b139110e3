"""What answers HTTP: the API over the encoders and the index of the service."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.to_thread
from ray import serve

from actors.encoder import Encoder
from actors.scene_searcher import SceneSearcher
from actors.video_searcher import VideoSearcher
from footage.index import VectorIndex
from footage.index_address import IndexAddress, open_index
from footage.index_records import IndexSpec
from footage.settings import Settings
from footage.shared_index import SharedIndex
from footage.store_address import open_store
from footage.store_reads import StoreReads
from footage.toy_lists import toy_lists
from footage.tracing import open_traces
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.backend import Backend
from serve_apps.encoders import ServedEncoder
from serve_apps.health import HealthCheck


@serve.ingress()
class Ingress:
    """A process that answers HTTP. The app is made in it, since neither clients nor threads can be sent there."""

    def __init__(
        self,
        store: str,
        index: IndexAddress,
        spec: IndexSpec,
        settings: Settings,
        open_workspace: str | None,
        text_encoder: Any,
        picture_encoder: Any,
        scene_index: Any,
    ) -> None:
        """Take the addresses, and handles of the other deployments.

        That of SceneIndex only has Serve run it: it is asked on its socket. None where the index is a server.
        """
        self._closing = contextlib.ExitStack()  # first: __del__ is called too if what follows fails
        self._settings = settings
        self._open_workspace = open_workspace
        self._reads = StoreReads(open_store(store, settings.s3), settings.serve.thread_count)
        self._closing.callback(self._reads.close)
        within_s = settings.serve.answer_within_s
        self._encoder: Encoder = ServedEncoder(text_encoder, picture_encoder, within_s)
        self._index = _asked_index(index, spec, settings, within_s)
        self._closing.callback(self._index.close)
        self._traces = open_traces(settings.tracing, "serve")
        self._closing.callback(self._traces.close)
        self._health = HealthCheck(self._index, self._encoder, self._reads.store)
        self._searcher = SceneSearcher(self._index, self._reads, self._encoder, settings.search, toy_lists(settings))
        self._video_searcher = VideoSearcher(self._index, self._reads, self._encoder)

    def __serve_build_asgi_app__(self) -> Any:
        """Called by Serve in the event loop of this process."""
        serve_settings = self._settings.serve
        # Handles find their processes when they are first used: not at the cost of the first who asks.
        threading.Thread(target=self._health, daemon=True, name="first-use").start()
        # Searches run in the threads of the loop. Whatever else Serve lets in is not to wait for a thread.
        searches = ThreadPoolExecutor(serve_settings.searches_at_once, thread_name_prefix="search")
        asyncio.get_running_loop().set_default_executor(searches)
        anyio.to_thread.current_default_thread_limiter().total_tokens = serve_settings.requests_under_way
        backend = Backend(
            reads=self._reads,
            searcher=self._searcher,
            video_searcher=self._video_searcher,
            index=self._index,
            settings=self._settings,
            health=self._health,
            traces=self._traces,
        )
        return make_api(backend, Access(self._reads.store, serve_settings, self._open_workspace))

    def __del__(self) -> None:
        """Called by Serve after the last request."""
        self._closing.close()


def _asked_index(address: IndexAddress, spec: IndexSpec, settings: Settings, within_s: float) -> VectorIndex:
    """The index, of which each answer comes within so many seconds; an embedded one is left to SceneIndex to own."""
    if address.path is not None:
        return SharedIndex(address.path, spec, None, within_s, create=False, answer_within_s=within_s)
    qdrant = settings.qdrant.model_copy(update={"patience_s": min(settings.qdrant.patience_s, within_s)})
    return open_index(address, spec, qdrant, "footage serve", create=False)
