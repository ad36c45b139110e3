"""What the lists of a search hold, in one order that does not depend on how much of it is shown."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, cast

from footage.fusion import Fused, RankedList, fuse
from footage.index_records import IndexHit, ListName, SceneFilter, ScenePoint, VectorName, VectorQuery
from footage.pipeline_settings import SearchSettings
from footage.records import SceneVectors, SparseVector
from footage.relevance import query_weight, relevance
from footage.search import MOST_FOUND

LENGTH_GROWTH = 4  # of the lists, where a search wants more than they give


class SearchableIndex(Protocol):
    """What a search needs of an index: any VectorIndex, or a client of the process that owns it."""

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search."""
        ...

    def points(self, where: SceneFilter) -> list[ScenePoint]:
        """See VectorIndex.points."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A scene that was found, and how sure it is that it answers; None where nothing is calibrated."""

    hit: IndexHit
    fused: Fused
    relevance: float | None


class FoundScenes:
    """Scenes in the order of their fused ranks.

    The order is made in blocks: first what the lists hold in their first 100 ranks (`search.candidates`), then, from
    another question, what else they hold in their first 400, and so on. So a search that is asked for more only adds to
    the end, and the pages of an answer agree: also where the shorter lists are no beginnings of the longer ones, which
    graphs and equal scores can bring about. Scores are those within the block.

    Attributes:
        lists: what each list holds, as long as it was asked for.
        took_ms: the index, in all.
    """

    def __init__(
        self,
        index: SearchableIndex,
        queries: Sequence[VectorQuery],
        weights: dict[ListName, float],
        where: SceneFilter | None,
        settings: SearchSettings,
        without: str | None = None,
    ) -> None:
        """Take what to ask.

        Args:
            index: to ask.
            queries: a vector for each list.
            weights: of the lists.
            where: the scenes that count; None if none does.
            settings: of the fusion.
            without: a scene that is left out of all lists.
        """
        self._index, self._queries, self._where, self._settings = index, queries, where, settings
        self._weights, self._without = weights, without
        self._lengths = _lengths(settings.candidates)
        self._asked = 0  # how many of the lengths
        self.lists: dict[ListName, list[IndexHit]] = {query.list_name: [] for query in queries}
        self.took_ms = 0.0
        self._query_weight = next(
            (query_weight(one.vector) for one in queries if isinstance(one.vector, SparseVector)), 1.0
        )
        self._found: dict[str, Found] = {}

    def ask(self) -> None:
        """Ask for the lists, each time for longer ones."""
        self._asked += 1
        if self._where is None or not self._queries:
            return
        length = self._lengths[self._asked - 1]
        with self._timed():
            answers = self._index.search(self._queries, self._where, length + (self._without is not None))
        # A dense list ranks every scene, related or not, and fusion sees ranks only.
        floors = {"transcript": self._settings.transcript_floor, "caption": self._settings.caption_floor}
        for query, hits in zip(self._queries, answers, strict=True):
            floor = floors.get(query.list_name, -math.inf)
            self.lists[query.list_name] = [hit for hit in hits if hit.score >= floor and hit.scene_id != self._without][
                :length
            ]
        found = {hit.scene_id: hit for held in self.lists.values() for hit in held}
        ranked = [
            RankedList(name, self._weights[name], [hit.scene_id for hit in held], [hit.score for hit in held])
            for name, held in self.lists.items()
        ]
        for one in fuse(ranked, self._settings.rrf_k):
            if one.id not in self._found:
                scores = {cast(ListName, part.list_name): part.score for part in one.contributions}
                self._found[one.id] = Found(found[one.id], one, self._relevance(scores))

    def in_order(self) -> list[Found]:
        """All that was found, best first."""
        return list(self._found.values())

    def can_hold_more(self, min_relevance: float) -> bool:
        """Whether longer lists may hold scenes that are as relevant as this."""
        if self._asked == len(self._lengths):
            return False
        length = self._lengths[self._asked - 1]
        last = {name: hits[-1].score for name, hits in self.lists.items() if len(hits) == length}
        if not last:
            return False
        most = self._relevance(last)  # whatever follows has lower scores
        return most is None or most >= min_relevance

    def vector_weights(self) -> dict[VectorName, float]:
        """How much each kind of vector counts where scenes are compared: as much as the lists that ask for it."""
        total: dict[VectorName, float] = {}
        for query in self._queries:
            total[query.vector_name] = total.get(query.vector_name, 0) + self._weights[query.list_name]
        return total

    def vectors(self, scene_ids: Sequence[str]) -> list[SceneVectors | None]:
        """The vectors of scenes that were found; None for one that is gone meanwhile."""
        if self._where is None or not scene_ids:
            return []
        with self._timed():
            points = self._index.points(SceneFilter(self._where.workspace, scene_ids=tuple(scene_ids)))
        held = {point.scene_id: point.vectors for point in points}
        return [held.get(scene_id) for scene_id in scene_ids]

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begun_at = time.perf_counter()
        yield
        self.took_ms += (time.perf_counter() - begun_at) * 1000

    def _relevance(self, scores: Mapping[ListName, float]) -> float | None:
        """None where scenes are like another one, more or less: no scene of them answers or does not."""
        return relevance(scores, self._settings, self._query_weight) if self._without is None else None


def _lengths(first: int) -> list[int]:
    """Lengths of lists, from `candidates` on, until they hold all that can be paged through."""
    lengths = [first]
    while lengths[-1] < MOST_FOUND:
        lengths.append(min(LENGTH_GROWTH * lengths[-1], MOST_FOUND))
    return lengths
