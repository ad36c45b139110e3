import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.relevance import OF_WORDS, Asked, Search, calibrate, cross_validated
from benchmarks.relevance_fit import Judged, fit_curves
from benchmarks.relevance_report import outcome, table, totals
from footage.index_records import ListName
from footage.models import PROJECT_ROOT
from footage.pipeline_settings import SearchSettings
from footage.relevance_settings import RelevanceCurve, RelevanceSettings
from footage.search import SearchRequest
from footage.settings import Settings

QUERIES = PROJECT_ROOT / "samples" / "relevance_queries.yaml"


def made_searches(half: float, slope: float, count: int) -> list[Judged]:
    """Single hits whose scores are right as often as the curve says; each score stands for itself."""
    chance = np.random.default_rng(0)
    made = []
    for score in chance.uniform(half - 4 / slope, half + 4 / slope, count):
        right = chance.random() < 1 / (1 + np.exp(-slope * (score - half)))
        made.append(Judged([{"transcript": float(score)}], frozenset({0} if right else ()), bool(right)))
    return made


def test_the_curve_that_made_the_data_is_found() -> None:
    curve = fit_curves(made_searches(0.4, 20, 1000), ("transcript", "visual"), 0.0)
    assert curve.keys() == {"transcript"}
    assert curve["transcript"].half == pytest.approx(0.4, abs=0.02)
    assert curve["transcript"].slope == pytest.approx(20, rel=0.2)


def test_a_list_that_says_nothing_does_not_become_a_reason() -> None:
    chance = np.random.default_rng(1)

    def hits(score: float) -> dict[ListName, float]:
        return {"transcript": score, "visual": float(chance.normal(0.7, 0.05))}

    searches = [Judged([hits(0.6), hits(0.1)], frozenset({0}), True) for _ in range(30)]
    searches += [Judged([hits(0.2), hits(0.1)], frozenset(), False) for _ in range(30)]
    curves = fit_curves(searches, OF_WORDS, 0.05)
    settings = SearchSettings(relevance=RelevanceSettings.model_validate(dict(curves)))
    found = totals([outcome("", "", search, settings, 0.5) for search in searches])
    assert (found["recall"], found["nonsense_with_hits"]) == (1.0, 0)
    assert curves["transcript"].half == pytest.approx(0.4, abs=0.1)


def test_what_a_floor_leaves_is_counted() -> None:
    settings = SearchSettings(relevance=RelevanceSettings(transcript=RelevanceCurve(half=0.5, slope=100)))

    def search(scores: list[float], right: set[int], missed: int = 0) -> Judged:
        return Judged([{"transcript": score} for score in scores], frozenset(right), bool(right) or missed > 0, missed)

    outcomes = [
        outcome("kept", "good", search([0.9, 0.8, 0.1], {1}), settings, 0.5),
        outcome("lost", "good", search([0.4, 0.3], {0}, missed=1), settings, 0.5),
        outcome("false", "bad", search([0.7, 0.1], set()), settings, 0.5),
        outcome("none", "bad", search([0.2], set()), settings, 0.5),
    ]
    assert totals(outcomes) == {
        "searches": 2,
        "recall": 0.333,
        "recall_without_floor": 0.667,
        "precision": 0.333,
        "precision_without_floor": 0.25,
        "first_hit_right": 0,
        "first_hit_right_without_floor": 1,
        "left_without_right_hits": 1,
        "nonsense": 2,
        "nonsense_with_hits": 1,
        "nonsense_hits_each": 0.5,
    }
    shown = table(outcomes)
    assert "Lost right scenes:\n  lost\n" in shown
    assert shown.endswith("Nonsense with hits:\n  false (1, up to 1.00)")


def test_no_search_is_judged_by_curves_that_saw_it() -> None:
    searches = [Search(query=f"query {number}", kind="any") for number in range(25)]
    judged = [Judged([{"transcript": float(number)}], frozenset(), False) for number in range(25)]

    def only_what_was_seen(part: Sequence[Judged]) -> dict[ListName, RelevanceCurve]:
        """Sure of nothing that is in `part`."""
        seen = {one.scores[0]["transcript"] for one in part}
        return {"transcript": RelevanceCurve(half=min({float(n) for n in range(25)} - seen), slope=1000)}

    outcomes = cross_validated(searches, judged, only_what_was_seen, 0.5)
    assert [one.name for one in outcomes] == [search.name for search in searches]
    # The first search of each fold lies at the half of the fold's own curve.
    assert [one.most for one in outcomes[:10]] == [0.5] * 10


@pytest.fixture(scope="module")
def asked(indexed_samples: Path, offline: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    store = shutil.copytree(indexed_samples, tmp_path_factory.mktemp("relevance") / "store")
    opened = Asked(offline, str(store), None, "default")
    yield opened
    opened.close()


def test_the_floor_of_the_offline_profile(asked: Asked, offline: Settings) -> None:
    """The figures are in the profile; here is a little room for other versions of the models' libraries."""
    searches = [Search.model_validate(search) for search in yaml.safe_load(QUERIES.read_text())["searches"]]
    judged = [asked.judged(search, QUERIES.parent) for search in searches]
    assert sum(one.missed for one in judged) == 0  # the file names scenes that there are
    outcomes = [
        outcome(search.name, search.kind, one, offline.search, offline.search.min_relevance)
        for search, one in zip(searches, judged, strict=True)
    ]
    words = totals([one for search, one in zip(searches, outcomes, strict=True) if search.query])
    pictures = totals([one for search, one in zip(searches, outcomes, strict=True) if not search.query])
    assert (words["searches"], words["nonsense"]) == (63, 62)
    assert words["recall"] > 0.94
    assert words["nonsense_with_hits"] <= 4
    assert pictures["recall"] > 0.9
    assert pictures["nonsense_with_hits"] <= 4
    named = {one.name: one.kept for one in outcomes}
    assert (named["quantum chromodynamics lattice gauge"], named["asdf qwer zxcv"]) == (0, 0)


def test_demo_searches_keep_their_scenes(asked: Asked, offline: Settings) -> None:
    demo = yaml.safe_load((PROJECT_ROOT / "samples" / "demo_queries.yaml").read_text())["searches"]
    for search in demo:
        first = asked.searcher.search(SearchRequest(query=search["query"], lists=search.get("by", []))).hits[0]
        assert first.source_uris[0].endswith(f"/{search['clip']}"), search
        assert first.start_s == pytest.approx(search["scene_start_s"], abs=0.05), search
        assert first.relevance is not None
        assert first.relevance >= offline.search.min_relevance


def test_too_few_searches_calibrate_nothing(
    indexed_samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = shutil.copytree(indexed_samples, tmp_path / "store")
    (tmp_path / "mine.yaml").write_text("searches: [{query: a cat, kind: mine, right: [window.mp4@1]}]")
    where = {"profile": "offline", "store": str(store), "index": None, "workspace": "default"}
    found = calibrate(argparse.Namespace(queries=tmp_path / "mine.yaml", floor=0.5, unlabelled=0.05, **where))
    assert found["curves"] == {}
    assert "Not calibrated for words: 1 searches with and 0 without an answer" in capsys.readouterr().out
