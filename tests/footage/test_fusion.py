from pathlib import Path

import numpy as np
import pytest
import qdrant_edge as edge

from footage.fusion import Contribution, Fused, RankedList, fuse


def ranked(name: str, ids: str, weight: float = 1.0) -> RankedList:
    return RankedList(name, weight, list(ids), [1 - 0.1 * rank for rank in range(len(ids))])


def test_an_id_adds_up_what_its_lists_give() -> None:
    assert fuse([ranked("said", "ab"), ranked("seen", "ca", weight=0.5)], k=60) == [
        Fused(
            "a",
            1 / 60 + 1 / 63,
            (Contribution("said", 1, 1.0, 1.0, 1 / 60), Contribution("seen", 2, 0.9, 0.5, 1 / 63)),
        ),
        Fused("c", 1 / 61, (Contribution("seen", 1, 1.0, 0.5, 1 / 61),)),
        Fused("b", 1 / 61, (Contribution("said", 2, 0.9, 1.0, 1 / 61),)),
    ]


def test_equal_scores_go_by_best_rank_then_by_id() -> None:
    lists = [ranked("said", "zx"), ranked("seen", "ay")]
    assert [one.id for one in fuse(lists, k=60)] == ["a", "z", "x", "y"]
    assert [one.id for one in fuse(lists[::-1], k=60)] == ["a", "z", "x", "y"]


def test_a_list_without_weight_is_left_out() -> None:
    assert [one.id for one in fuse([ranked("said", "ab"), ranked("seen", "cab", weight=0)], k=60)] == ["a", "b"]
    assert fuse([ranked("seen", "cab", weight=0)], k=60) == []
    assert fuse([], k=60) == []


def test_an_id_counts_once_in_a_list() -> None:
    (first, second) = fuse([ranked("said", "aab")], k=60)
    assert (first.id, first.score, second.id, second.contributions[0].rank) == ("a", 1 / 60, "b", 2)


@pytest.mark.parametrize(
    ("lists", "k", "says"),
    [
        ([ranked("said", "a", weight=-1)], 60, "the weight of said is -1"),
        ([ranked("said", "a")], 0, "k is 0"),
        ([RankedList("said", 1, ["a"], [])], 60, "zip"),
    ],
)
def test_nonsense_is_refused(lists: list[RankedList], k: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fuse(lists, k)


def test_the_scores_are_those_of_the_engine(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shard = edge.EdgeShard.create(
        str(tmp_path),
        edge.EdgeConfig(
            vectors={name: edge.EdgeVectorParams(size=8, distance=edge.Distance.Cosine) for name in ("said", "seen")}
        ),
    )
    vectors = {name: random.normal(size=(200, 8)).tolist() for name in ("said", "seen")}
    shard.update(
        edge.UpdateOperation.upsert_points(
            [edge.Point(number, {name: vectors[name][number] for name in vectors}, {}) for number in range(200)]
        )
    )
    for weights in ((1.0, 1.0), (1.0, 0.5), (0.25, 3.0)):
        queries = {name: edge.Query.Nearest(random.normal(size=8).tolist(), using=name) for name in vectors}
        lists = []
        for (name, query), weight in zip(queries.items(), weights, strict=True):
            hits = shard.query(edge.QueryRequest(limit=50, query=query))
            lists.append(RankedList(name, weight, [str(hit.id) for hit in hits], [hit.score for hit in hits]))
        theirs = shard.query(
            edge.QueryRequest(
                limit=100,
                prefetches=[edge.Prefetch(limit=50, query=query) for query in queries.values()],
                query=edge.Fusion.Rrf(k=60, weights=list(weights)),
            )
        )
        ours = {one.id: one.score for one in fuse(lists, k=60)}
        assert ours == pytest.approx({str(hit.id): hit.score for hit in theirs}, abs=1e-6)
    shard.close()
