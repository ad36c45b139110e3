"""docs/search.md explains the ranking by an example; it is to stay true."""

import math
import re
import shutil
from pathlib import Path

import pytest

from cluster.one_shot import search_once
from footage.models import PROJECT_ROOT
from footage.pipeline_settings import SearchSettings
from footage.search import SearchHit, SearchRequest
from footage.settings import Settings

PAGE = (PROJECT_ROOT / "docs" / "search.md").read_text()
LISTS = ("transcript", "transcript_sparse", "visual", "caption")


def rows() -> list[list[str]]:
    table = PAGE.partition("test_worked_example.py computes this table anew -->\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.fixture(scope="module")
def hits(indexed_samples: Path, offline: Settings, tmp_path_factory: pytest.TempPathFactory) -> list[SearchHit]:
    store = shutil.copytree(indexed_samples, tmp_path_factory.mktemp("example") / "store")
    query = re.search(r"`footage search \"(.+)\"`", PAGE)
    assert query
    return search_once(SearchRequest(query=query[1], limit=5, min_relevance=0), store, offline).hits


def test_the_table_is_what_the_search_gives(hits: list[SearchHit]) -> None:
    assert len(rows()) == len(hits) == 5
    for row, hit in zip(rows(), hits, strict=True):
        assert row[0] == f"{hit.source_uris[0].rpartition('/')[2]} {hit.start_s:.1f} s"
        for name, cell in zip(LISTS, row[1:5], strict=True):
            reasons = [why for why in hit.why if why.list == name]
            assert bool(reasons) == bool(cell), (row[0], name)
            for why in reasons:
                rank, _, score = cell.partition(": ")
                assert why.rank == int(rank), (row[0], name)
                assert why.score == pytest.approx(float(score), abs=0.015)
        assert hit.score == pytest.approx(float(row[5]), abs=5e-6)
        assert hit.relevance == pytest.approx(float(row[6]), abs=0.02)


def test_the_table_follows_from_the_formulas_of_the_page(hits: list[SearchHit], offline: Settings) -> None:
    search: SearchSettings = offline.search
    query_weight = 4.0
    assert "the query's own weight of 4" in " ".join(PAGE.split())
    for row, hit in zip(rows(), hits, strict=True):
        ranks = [int(cell.partition(":")[0]) for cell in row[1:5] if cell]
        assert float(row[5]) == pytest.approx(sum(1 / (search.rrf_k + rank / 1 - 1) for rank in ranks), abs=5e-6)
        none_answers = 1.0
        for why in hit.why:
            curve = getattr(search.relevance, why.list)
            score = why.score / query_weight if why.list == "transcript_sparse" else why.score
            none_answers *= 1 - 1 / (1 + math.exp(-curve.slope * (score - curve.half)))
        assert float(row[6]) == pytest.approx(1 - none_answers, abs=0.02)


def test_the_numbers_in_the_text_are_those_of_the_profile(hits: list[SearchHit], offline: Settings) -> None:
    curves = offline.search.relevance
    assert curves.transcript is not None
    assert curves.caption is not None
    assert curves.transcript_sparse is not None
    scores = {why.list: why.score for why in hits[0].why}
    first = f"1 / (1 + exp(-{curves.transcript.slope:g} * ({scores['transcript']:.3f} - {curves.transcript.half:g})))"
    text = " ".join(PAGE.split())  # however its lines are broken
    assert first in text
    said = f"({scores['caption']:.3f}, half {curves.caption.half:g}, slope {curves.caption.slope:g})"
    assert said in text
    assert f"half is {curves.transcript_sparse.half:g};" in text
