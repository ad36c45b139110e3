"""Answers a search: asks each list, fuses them, and says of every hit why it is there."""

import time
from collections.abc import Sequence

from actors.asked_lists import list_weights
from actors.encoder import Encoder
from actors.found_scenes import FoundScenes, SearchableIndex
from actors.hit_reader import HitReader
from actors.query_vectors import (
    lists_of_scene,
    possible_lists,
    request_queries,
    scene_queries,
    scene_vectors,
)
from actors.scene_order import SceneOrder
from footage.catalog import Catalog
from footage.errors import SettingsError
from footage.index_records import ListName, SceneFilter, VectorQuery
from footage.parsed_records import ParsedRecords
from footage.pipeline_settings import SearchSettings
from footage.search import MOST_FOUND, ListAsked, SceneScope, SearchHit, SearchRequest, SearchResponse, SimilarRequest
from footage.store_reads import StoreReads


class SceneSearcher:
    """Searches one store. The command line, the service and the evaluation all use it, so that they rank alike.

    Any number of threads may search at once.
    """

    def __init__(
        self,
        index: SearchableIndex,
        reads: StoreReads,
        encoder: Encoder,
        settings: SearchSettings,
        toy_lists: frozenset[ListName] = frozenset(),
    ) -> None:
        """Take what to search.

        Args:
            index: the scenes' vectors.
            reads: of the store with the scenes' sidecars and the videos' manifests.
            encoder: of the models that the index was made with.
            settings: weights of the lists, their length, and the constant of the fusion.
            toy_lists: the lists that a toy model made; the answer says so.
        """
        self._index = index
        self._encoder = encoder
        self._settings = settings
        self._toy_lists = toy_lists
        self._reads = reads
        self._parse = ParsedRecords()

    def search(self, request: SearchRequest, picture: bytes | None = None) -> SearchResponse:
        """Answer a search for words, a picture, or both: at most `request.limit` scenes.

        A scene whose sidecar or video was deleted meanwhile is left out, and one that its video's manifest does not
        have yet.

        Args:
            request: what is asked.
            picture: a JPEG, PNG or WebP file that scenes are to look like.

        Raises:
            SettingsError: there is nothing to look for, or no list with a weight in which to look.
            NoSuchScene: the scene whose picture is searched by is not there.
            UnreadablePicture: the picture is none.
        """
        clock = _Clock()
        weights = list_weights(request, self._settings, possible_lists(request, picture))
        queries = request_queries(request, picture, weights, self._encoder, self._index)
        clock.lap("encode")
        return self._answer(request, request.query, queries, weights, None, clock)

    def similar(self, request: SimilarRequest) -> SearchResponse:
        """The scenes that are like one, in what is said, seen and captioned; not the scene itself.

        Raises:
            SettingsError: the scene has no vectors to compare, or no list with a weight is left.
            NoSuchScene: it is not there.
        """
        clock = _Clock()
        vectors = scene_vectors(request.workspace, request.scene_id, self._index)
        possible = lists_of_scene(vectors)
        if not possible:
            raise SettingsError(f"Scene {request.scene_id} has nothing to compare: neither a picture nor words.")
        weights = list_weights(request, self._settings, possible)
        clock.lap("encode")
        return self._answer(request, None, scene_queries(weights, vectors), weights, request.scene_id, clock)

    def _answer(
        self,
        scope: SceneScope,
        query: str | None,
        queries: Sequence[VectorQuery],
        weights: dict[ListName, float],
        without: str | None,
        clock: "_Clock",
    ) -> SearchResponse:
        catalog = Catalog(self._reads.store, scope.workspace)
        found = FoundScenes(self._index, queries, weights, _where(scope, catalog, self._reads), self._settings, without)
        clock.lap("index")  # a dataset's videos are listed
        order = SceneOrder(scope, self._settings, found)
        clock.lap("fuse")
        clock.move("fuse", "index", found.took_ms)  # they take turns
        reader = HitReader(catalog, self._reads, self._parse, query, scope.group_by_video)
        hits: list[SearchHit] = []
        following = scope.offset
        while True:
            shown, looked_at = reader.page(order.places[following:], scope.limit - len(hits))
            hits += shown
            following += looked_at
            # where some of what was found is gone, the places may not do
            if following < len(order.places) or not order.more():
                break
        clock.lap("read")
        return SearchResponse(
            query=query,
            workspace=scope.workspace,
            hits=hits,
            next_offset=following if following < min(len(order.places), MOST_FOUND) else None,
            left_out=order.left_out,
            lists=[
                ListAsked(
                    list=asked.list_name,
                    weight=weights[asked.list_name],
                    found=len(found.lists[asked.list_name]),
                    toy=asked.list_name in self._toy_lists,
                )
                for asked in queries
            ],
            took_ms=clock.took_ms,
        )


def _where(scope: SceneScope, catalog: Catalog, reads: StoreReads) -> SceneFilter | None:
    """The scenes that count; None if none can."""
    video_ids = tuple(scope.video_ids)
    if scope.dataset is not None:
        # The catalog knows a dataset's videos, also those that joined it after they were indexed.
        datasets = catalog.datasets
        named = datasets.members(scope.dataset, video_ids, reads) if video_ids else datasets.videos(scope.dataset)
        video_ids = tuple(named)
        if not video_ids:
            return None
    return SceneFilter(
        scope.workspace,
        video_ids=video_ids,
        language=scope.language,
        tags=tuple(scope.tags),
        start_s=scope.from_s,
        end_s=scope.to_s,
        min_duration_s=scope.min_duration_s,
        max_duration_s=scope.max_duration_s,
        indexed_since=None if scope.indexed_since is None else scope.indexed_since.timestamp(),
    )


class _Clock:
    """Milliseconds between laps, by name."""

    def __init__(self) -> None:
        self.took_ms: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.took_ms[name] = round((now - self._since) * 1000, 3)
        self._since = now

    def move(self, name: str, to: str, ms: float) -> None:
        self.took_ms[name] = round(self.took_ms[name] - ms, 3)
        self.took_ms[to] = round(self.took_ms[to] + ms, 3)
