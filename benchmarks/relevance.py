"""Calibrates relevance: which scores mean that a scene answers a search, and what the floor does then.

    python -m benchmarks.relevance [--store build/demo-store] [--profile offline] [--queries FILE.yaml] [--floor 0.5]

Asks searches of which it is known what answers them, without a floor; fits the curves of `search.relevance` to the
scores (relevance_fit.py); prints them as YAML for a profile; and prints, for each kind of search, what a floor leaves.
Those figures are of searches that the curves were not fitted to: each tenth is judged by the curves of the other nine.
How to write searches for other footage: docs/search.md. The last line is JSON.
"""

import argparse
import functools
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints

from actors.model_preparation import prepare_models
from actors.query_encoder import QueryEncoder
from actors.scene_searcher import SceneSearcher
from benchmarks.relevance_fit import Judged, fit_curves
from benchmarks.relevance_report import Outcome, outcome, table, totals
from cluster.one_shot import catalog_of
from footage.index_address import index_address, open_index
from footage.index_records import ListName
from footage.pipeline_settings import SearchSettings
from footage.relevance import query_weight
from footage.relevance_settings import RelevanceCurve, RelevanceSettings
from footage.search import DEFAULT_WORKSPACE, SearchHit, SearchRequest
from footage.settings import Settings, load_settings
from footage.store_reads import StoreReads

PROJECT = Path(__file__).parent.parent
OF_WORDS: tuple[ListName, ...] = ("transcript", "transcript_sparse", "visual", "caption")
OF_PICTURES: tuple[ListName, ...] = ("image",)
LOOKED_AT = 50  # hits of each search
FOLDS = 10
LEAST = 10  # searches of a kind, with an answer and without; of fewer nothing can be learned

Fit = Callable[[Sequence[Judged]], Mapping[ListName, RelevanceCurve]]
Right = Annotated[str, StringConstraints(pattern=r"^.+@\d+(\.\d+)?$")]


class Search(BaseModel):
    """One search of the file: words, a picture file, or a drawn picture, and the scenes that answer it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str | None = None
    picture: str | None = None
    drawn: dict[str, str] | None = None
    kind: str
    alone: tuple[ListName, ...] = ()
    right: list[Right] = []

    @property
    def name(self) -> str:
        """What to call it."""
        return self.query or self.picture or " ".join((self.drawn or {}).values())


class Asked:
    """Asks searches of one store, without a floor."""

    def __init__(self, settings: Settings, store: str, index: str | None, workspace: str) -> None:
        """Open the store and its index."""
        models = prepare_models(settings, print)
        self._encoder = QueryEncoder(models)
        catalog = catalog_of(store, workspace, settings.s3)
        address = index_address(store, index)
        self._index = open_index(address, models.index_spec(), settings.qdrant, "benchmarks.relevance", create=False)
        self._reads = StoreReads(catalog.store)
        self.searcher = SceneSearcher(self._index, self._reads, self._encoder, settings.search)
        self._workspace = workspace

    def close(self) -> None:
        """Give the index back."""
        self._reads.close()
        self._index.close()

    def judged(self, search: Search, folder: Path) -> Judged:
        """The scores of its hits, and which are right."""
        request = SearchRequest(query=search.query, workspace=self._workspace, limit=LOOKED_AT, min_relevance=0)
        hits = self.searcher.search(request, _picture(search, folder)).hits
        weight = query_weight(self._encoder.encode(search.query).transcript_sparse) if search.query else 1.0
        found = [(where, place) for where in search.right for place, hit in enumerate(hits) if _is_at(hit, where)]
        right = frozenset(place for _, place in found)
        missed = len(set(search.right) - {where for where, _ in found})
        return Judged([_shares(hit, weight) for hit in hits], right, bool(search.right), missed, search.alone)


def _picture(search: Search, folder: Path) -> bytes | None:
    if search.picture is not None:
        return (folder / search.picture).read_bytes()
    if search.drawn is None:
        return None
    from samples.drawing import Scene, draw_scene

    written = io.BytesIO()
    draw_scene(Scene(**search.drawn), 400, 300).save(written, "PNG")
    return written.getvalue()


def _is_at(hit: SearchHit, where: str) -> bool:
    name, _, time_s = where.rpartition("@")
    in_source = any(uri == name or uri.endswith(f"/{name}") for uri in hit.source_uris)
    return in_source and hit.start_s <= float(time_s) < hit.end_s


def _shares(hit: SearchHit, weight: float) -> dict[ListName, float]:
    return {why.list: why.score / weight if why.list == "transcript_sparse" else why.score for why in hit.why}


def cross_validated(searches: Sequence[Search], judged: Sequence[Judged], fit: Fit, floor: float) -> list[Outcome]:
    """What a floor leaves of each search, by curves that were fitted without it."""
    found: dict[int, Outcome] = {}
    for fold in range(FOLDS):
        # Every tenth: searches of a kind stand together in the file.
        curves = fit([one for place, one in enumerate(judged) if place % FOLDS != fold])
        settings = SearchSettings(relevance=RelevanceSettings.model_validate(dict(curves)))
        for place in range(fold, len(searches), FOLDS):
            found[place] = outcome(searches[place].name, searches[place].kind, judged[place], settings, floor)
    return [found[place] for place in sorted(found)]


def calibrate(options: argparse.Namespace) -> dict[str, Any]:
    """Fit and report; gives what the last line says."""
    content = yaml.safe_load(options.queries.read_text())
    searches = [Search.model_validate(search) for search in content["searches"]]
    settings = load_settings(options.profile)
    asked = Asked(settings, str(options.store), options.index, options.workspace)
    try:
        judged = [asked.judged(search, options.queries.parent) for search in searches]
    finally:
        asked.close()
    curves: dict[ListName, RelevanceCurve] = {}
    outcomes: list[Outcome] = []
    for names, of_words in ((OF_WORDS, True), (OF_PICTURES, False)):
        part = [place for place, search in enumerate(searches) if (search.query is not None) == of_words]
        answered = sum(judged[place].has_answer for place in part)
        if min(answered, len(part) - answered) < LEAST:
            what = "words" if of_words else "pictures"
            print(f"Not calibrated for {what}: {answered} searches with and {len(part) - answered} without an answer.")
            continue
        fit: Fit = functools.partial(fit_curves, names=names, unlabelled=options.unlabelled)
        mine = [judged[place] for place in part]
        curves |= fit(mine)
        outcomes += cross_validated([searches[place] for place in part], mine, fit, options.floor)
    fitted = {name: curve.model_dump() for name, curve in curves.items()}
    print(f"With the floor {options.floor:g}, by curves that were fitted without these searches:\n\n{table(outcomes)}")
    print("\nFor the profile, fitted to all searches:\n")
    print(yaml.safe_dump({"search": {"relevance": fitted}}, sort_keys=False))
    return {"floor": options.floor, **totals(outcomes), "curves": fitted}


def main() -> None:
    """Calibrate and print one JSON line last."""
    parser = argparse.ArgumentParser(description="Calibrate relevance.")
    parser.add_argument("--store", default=str(PROJECT / "build" / "demo-store"), help="folder or s3://bucket/prefix")
    parser.add_argument("--index", help="address of the index; that of the store unless given")
    parser.add_argument("--workspace", default=DEFAULT_WORKSPACE)
    parser.add_argument("--profile", default="offline", help="the one that indexed")
    parser.add_argument("--queries", type=Path, default=PROJECT / "samples" / "relevance_queries.yaml")
    parser.add_argument("--floor", type=float, default=0.5, help="what to report of: search.min_relevance")
    parser.add_argument(
        "--unlabelled",
        type=float,
        default=0.05,
        help="how much the scenes count as wrong that nobody called right, in searches with an answer; more gives"
        " fewer hits beside the right ones, and loses some of these",
    )
    print(json.dumps(calibrate(parser.parse_args())))


if __name__ == "__main__":
    main()
