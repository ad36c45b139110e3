"""Weighted reciprocal-rank fusion: several ranked lists of ids become one.

The score of an id is the sum over the lists that hold it of 1 / (k + rank / weight - 1), ranks from 1: with weight 1
that is 1 / (k + rank - 1). Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
Rank Learning Methods" (SIGIR 2009); the weights as Qdrant applies them, whose scores these equal. Only ranks count, so
that the scores of different models never have to be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RankedList:
    """The answer of one list: ids, best first, each with the list's own score. A weight of 0 leaves the list out."""

    name: str
    weight: float
    ids: Sequence[str]
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one list adds to an id's score."""

    list_name: str
    rank: int  # from 1
    score: float  # in that list
    weight: float
    contribution: float  # 1 / (k + rank / weight - 1)


@dataclass(frozen=True, slots=True)
class Fused:
    """An id in the fused order; `contributions` stand in the order of the lists and add up to `score`."""

    id: str
    score: float
    contributions: tuple[Contribution, ...]


def fuse(lists: Sequence[RankedList], k: float) -> list[Fused]:
    """Fuse lists, best first. Equal scores are common: the better single rank goes first, then the smaller id.

    An id that a list holds twice counts once, at its better rank.

    Args:
        lists: with `ids` and `scores` of one length each.
        k: above 0; the larger, the less the first ranks stand out.

    Raises:
        ValueError: a weight is negative, k is not above 0, or a list has more scores than ids.
    """
    if k <= 0:
        raise ValueError(f"k is {k}; it must be above 0")
    parts: dict[str, dict[str, Contribution]] = {}
    for ranked in lists:
        if ranked.weight < 0:
            raise ValueError(f"the weight of {ranked.name} is {ranked.weight}; it must not be negative")
        if ranked.weight == 0:
            continue
        rank = 0
        for id_, score in zip(ranked.ids, ranked.scores, strict=True):
            of_id = parts.setdefault(id_, {})
            if ranked.name in of_id:
                continue
            rank += 1
            share = 1 / (k + rank / ranked.weight - 1)
            of_id[ranked.name] = Contribution(ranked.name, rank, score, ranked.weight, share)
    fused = [
        Fused(id_, sum(part.contribution for part in of_id.values()), tuple(of_id.values()))
        for id_, of_id in parts.items()
    ]
    return sorted(fused, key=lambda one: (-one.score, min(part.rank for part in one.contributions), one.id))
