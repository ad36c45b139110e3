"""What answers HTTP: the API over the encoders and the index of the service."""

import contextlib
import threading
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
from footage.store_address import open_store
from footage.toy_lists import toy_lists
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.backend import Backend
from serve_apps.encoders import ServedEncoder
from serve_apps.health import HealthCheck
from serve_apps.scene_index import ServedIndex

_HEALTH_WITHIN_S = 2.0  # who asks for the health asks again every few seconds


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
        """Take the addresses, and handles of the other deployments; no `scene_index` where the index is a server."""
        self._closing = contextlib.ExitStack()  # first: __del__ is called too if what follows fails
        self._settings = settings
        self._open_workspace = open_workspace
        self._store = open_store(store, settings.s3)
        within_s = settings.serve.answer_within_s
        self._encoder: Encoder = ServedEncoder(text_encoder, picture_encoder, within_s)
        if scene_index is None:
            qdrant = settings.qdrant.model_copy(update={"patience_s": min(settings.qdrant.patience_s, within_s)})
            self._index: VectorIndex = open_index(index, spec, qdrant, "footage serve", create=False)
            index_for_health = self._index
        else:
            self._index = ServedIndex(scene_index, within_s)
            index_for_health = ServedIndex(scene_index, _HEALTH_WITHIN_S)
        self._closing.callback(self._index.close)
        self._health = HealthCheck(
            index_for_health, ServedEncoder(text_encoder, picture_encoder, _HEALTH_WITHIN_S), self._store
        )
        self._searcher = SceneSearcher(self._index, self._store, self._encoder, settings.search, toy_lists(settings))
        self._closing.callback(self._searcher.close)
        self._video_searcher = VideoSearcher(self._index, self._store, self._encoder)
        self._closing.callback(self._video_searcher.close)

    def __serve_build_asgi_app__(self) -> Any:
        """Called by Serve in the event loop of this process."""
        serve_settings = self._settings.serve
        # Handles find their processes when they are first used: not at the cost of the first who asks.
        threading.Thread(target=self._health, daemon=True, name="first-use").start()
        # Searches run in threads; a request that Serve lets in is not to wait for one.
        anyio.to_thread.current_default_thread_limiter().total_tokens = serve_settings.requests_under_way
        backend = Backend(
            store=self._store,
            searcher=self._searcher,
            video_searcher=self._video_searcher,
            index=self._index,
            settings=self._settings,
            toy_lists=toy_lists(self._settings),
            health=self._health,
        )
        self._closing.callback(backend.close)
        return make_api(backend, Access(self._store, serve_settings, self._open_workspace))

    def __del__(self) -> None:
        """Called by Serve after the last request."""
        self._closing.close()
