"""Answers a search: asks each list, fuses them, and says of every hit why it is there."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol, get_args

from footage.catalog import Catalog
from footage.errors import SettingsError
from footage.fusion import Fused, RankedList, fuse
from footage.highlights import highlights
from footage.index_records import IndexHit, ListName, SceneFilter, VectorQuery
from footage.pipeline_settings import SearchSettings
from footage.records import EncodedQuery, SparseVector, Vector
from footage.search import ListAsked, SearchHit, SearchRequest, SearchResponse, Why
from footage.sidecar import Manifest
from footage.storage import ObjectStore

# For each video that is asked for, so many scenes are looked at, since the best scenes may all be of a few videos ...
SCENES_PER_VIDEO = 10
MOST_CANDIDATES = 1000  # ... but not more than the highest SearchRequest.limit


class Encoder(Protocol):
    """What turns a query into vectors: actors.query_encoder.QueryEncoder."""

    def encode(self, text: str) -> EncodedQuery:
        """The vectors of a query."""
        ...


class SearchableIndex(Protocol):
    """What a search needs of an index: any VectorIndex, or a client of the process that owns it."""

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search."""
        ...


class SceneSearcher:
    """Searches one store. The command line, the service and the evaluation all use it, so that they rank alike."""

    def __init__(
        self,
        index: SearchableIndex,
        store: ObjectStore,
        encoder: Encoder,
        settings: SearchSettings,
        toy_lists: frozenset[ListName] = frozenset(),
    ) -> None:
        """Take what to search.

        Args:
            index: the scenes' vectors.
            store: the scenes' sidecars and the videos' manifests.
            encoder: of the models that the index was made with.
            settings: weights of the lists, their length, and the constant of the fusion.
            toy_lists: the lists that a toy model made; the answer says so.
        """
        self._index = index
        self._store = store
        self._encoder = encoder
        self._settings = settings
        self._toy_lists = toy_lists

    def search(self, request: SearchRequest) -> SearchResponse:
        """Answer a search: the best scenes first, at most `request.limit`.

        A scene whose sidecar or video was deleted meanwhile is left out, and one that its video's manifest does not
        have yet.

        Raises:
            SettingsError: the settings give no weight to any list that is asked for.
        """
        clock = _Clock()
        catalog = Catalog(self._store, request.workspace)
        names = self._list_names(request)
        queries = _queries(names, self._encoder.encode(request.query))
        clock.lap("encode")
        where = self._where(request, catalog)
        answers = (
            self._index.search(queries, where, self._candidates(request)) if where is not None else [[]] * len(queries)
        )
        # A dense list ranks every scene, related or not, and fusion sees ranks only.
        floors = {"transcript": self._settings.transcript_floor, "caption": self._settings.caption_floor}
        answers = [
            [hit for hit in hits if hit.score >= floors.get(query.list_name, -math.inf)]
            for query, hits in zip(queries, answers, strict=True)
        ]
        clock.lap("index")
        lists = [
            RankedList(
                query.list_name,
                self._weight(query.list_name),
                [hit.scene_id for hit in hits],
                [hit.score for hit in hits],
            )
            for query, hits in zip(queries, answers, strict=True)
        ]
        found = {hit.scene_id: hit for hits in answers for hit in hits}
        fused = fuse(lists, self._settings.rrf_k)
        clock.lap("fuse")
        hits = list(self._hits(request, catalog, fused, found))
        clock.lap("read")
        return SearchResponse(
            query=request.query,
            workspace=request.workspace,
            hits=hits,
            lists=[
                ListAsked(
                    list=query.list_name,
                    weight=self._weight(query.list_name),
                    found=len(answer),
                    toy=query.list_name in self._toy_lists,
                )
                for query, answer in zip(queries, answers, strict=True)
            ],
            took_ms=clock.took_ms,
        )

    def _candidates(self, request: SearchRequest) -> int:
        """How long each list is to be: an answer cannot be longer than what it is made of."""
        wanted = request.limit
        if request.group_by_video:
            wanted = min(SCENES_PER_VIDEO * request.limit, MOST_CANDIDATES)
        return max(self._settings.candidates, wanted)

    def _weight(self, list_name: ListName) -> float:
        weights: dict[ListName, float] = {
            "transcript": self._settings.transcript_weight,
            "transcript_sparse": self._settings.transcript_sparse_weight,
            "visual": self._settings.visual_weight,
            "caption": self._settings.caption_weight,
        }
        return weights[list_name]

    def _list_names(self, request: SearchRequest) -> list[ListName]:
        """The lists to ask: those that the request names, or all, if they have a weight."""
        asked = request.lists or get_args(ListName)
        names = [name for name in get_args(ListName) if name in asked and self._weight(name) > 0]
        if not names:
            weights = ", ".join(f"search.{name}_weight" for name in asked)
            raise SettingsError(f"The search is not possible: {weights} is 0 in the settings. Give one a weight.")
        return names

    @staticmethod
    def _where(request: SearchRequest, catalog: Catalog) -> SceneFilter | None:
        """The scenes that count; None if none can."""
        video_ids = tuple(request.video_ids)
        if request.dataset is not None:
            # The catalog knows a dataset's videos, also those that joined it after they were indexed.
            in_dataset = catalog.datasets.videos(request.dataset)
            video_ids = tuple(id_ for id_ in in_dataset if not video_ids or id_ in video_ids)
            if not video_ids:
                return None
        return SceneFilter(
            request.workspace,
            video_ids=video_ids,
            language=request.language,
            tags=tuple(request.tags),
            start_s=request.from_s,
            end_s=request.to_s,
        )

    def _hits(
        self, request: SearchRequest, catalog: Catalog, fused: list[Fused], found: dict[str, IndexHit]
    ) -> Iterator[SearchHit]:
        """The answer in order, with what the store knows of each scene; reads no further than the limit needs."""
        in_video = Counter(found[one.id].video_id for one in fused)
        manifests: dict[str, Manifest | None] = {}
        shown: set[str] = set()
        count = 0
        for one in fused:
            if count == request.limit:
                return
            video_id = found[one.id].video_id
            if request.group_by_video and video_id in shown:
                continue
            if video_id not in manifests:
                manifests[video_id] = catalog.manifest(video_id)
            more = in_video[video_id] - 1 if request.group_by_video else None
            hit = _hit(request, catalog, one, video_id, manifests[video_id], more)
            if hit is not None:
                shown.add(video_id)
                count += 1
                yield hit


def _queries(names: list[ListName], encoded: EncodedQuery) -> list[VectorQuery]:
    """What to ask of each list. The sparse one is left out if it knows no word of the query."""
    vectors: dict[ListName, Vector | SparseVector] = {
        "transcript": encoded.transcript,
        "transcript_sparse": encoded.transcript_sparse,
        "visual": encoded.visual,
        "caption": encoded.transcript,  # captions are embedded by the same model
    }
    if not encoded.transcript_sparse.indices:
        del vectors["transcript_sparse"]
    return [VectorQuery(name, vectors[name]) for name in names if name in vectors]


def _hit(
    request: SearchRequest, catalog: Catalog, one: Fused, video_id: str, manifest: Manifest | None, more: int | None
) -> SearchHit | None:
    """A scene as the answer shows it; None if its sidecar or all sources of its video are gone, or it is none yet."""
    if manifest is None or not manifest.sources:
        return None
    stored = catalog.sidecar(video_id, one.id)
    sidecar = stored and manifest.placed(stored)
    if sidecar is None:
        return None
    caption = sidecar.caption
    return SearchHit(
        video_id=video_id,
        scene_id=one.id,
        index=sidecar.index,
        source_uris=[source.uri for source in manifest.sources],
        start_s=sidecar.start_s,
        end_s=sidecar.end_s,
        score=one.score,
        why=[
            Why.model_validate(
                {
                    "list": part.list_name,
                    "rank": part.rank,
                    "score": part.score,
                    "weight": part.weight,
                    "contribution": part.contribution,
                }
            )
            for part in one.contributions
        ],
        transcript=sidecar.transcript.text,
        language=sidecar.transcript.language,
        highlights=highlights(request.query, sidecar.transcript.text),
        caption=caption.text if caption else "",
        caption_toy=caption.toy if caption else False,
        caption_highlights=highlights(request.query, caption.text) if caption else [],
        tags=sidecar.vision_tags,
        tags_toy=sidecar.embeddings.vision.toy and bool(sidecar.vision_tags),
        thumbnail_key=sidecar.thumbnail_key,
        more_in_video=more,
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
