"""Fits the curves of relevance (footage/relevance.py) to searches of which it is known what answers them.

Two kinds of hits are held against each other: the right scenes of searches that have an answer, and of each search
that has none the hit that seems the most relevant, since that one decides whether it gives any. Both kinds weigh the
same. So relevance says how probable it is that a hit is right, if half of all searches are nonsense. Other scenes of
searches that have an answer may fit a little, though nobody called them right: they count as wrong by a small weight.

All curves are found together, by the likelihood of the noisy-or, so that lists which say the same do not count twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from footage.index_records import ListName
from footage.relevance_settings import RelevanceCurve

Numbers = npt.NDArray[np.float64]
STEPS, RATE = 2000, 0.03  # of Adam
LOG_SLOPE, TRUST = 1.0, 0.02  # where nothing speaks for another slope, in standard deviations; and how much it counts
ALONE = 0.05  # weight of the searches by one list, where those by all lists have 1
LEAST = 1e-9


@dataclass(frozen=True)
class Judged:
    """The hits of one search, best first: scores by list, sparse ones as shares, and which of them are right."""

    scores: Sequence[Mapping[ListName, float]]
    right: frozenset[int]  # places in `scores`
    has_answer: bool
    missed: int = 0  # scenes that are right and were not found
    alone: tuple[ListName, ...] = ()  # lists each of which should find the right ones by itself


@dataclass(frozen=True)
class _Hits:
    """Hits of several searches one after the other: rows (hits, lists), and where each search begins."""

    rows: Numbers
    begins: npt.NDArray[np.int64]

    def scaled(self, used: list[int], mean: Numbers, deviation: Numbers) -> "_Hits":
        return _Hits((self.rows[:, used] - mean) / deviation, self.begins)

    @property
    def even_weights(self) -> Numbers:
        """Each search weighs the same, all of them 1."""
        sizes = np.diff([*self.begins, len(self.rows)])
        return np.repeat(1 / sizes / len(sizes), sizes)

    def worst(self, sure: Numbers) -> Numbers:
        """The most relevant hit of each search."""
        ends = np.append(self.begins[1:], len(self.rows))
        searches = np.repeat(np.arange(len(self.begins)), ends - self.begins)
        return self.rows[np.lexsort((sure, searches))[ends - 1]]


@dataclass(frozen=True)
class _Part:
    """Searches by the same lists: right scenes, others of searches that have an answer, and hits of nonsense."""

    right: _Hits
    others: _Hits
    nonsense: _Hits

    def scaled(self, used: list[int], mean: Numbers, deviation: Numbers) -> "_Part":
        return _Part(*(hits.scaled(used, mean, deviation) for hits in (self.right, self.others, self.nonsense)))


def fit_curves(
    searches: Sequence[Judged], names: Sequence[ListName], unlabelled: float
) -> dict[ListName, RelevanceCurve]:
    """The curve of each list that holds a right hit.

    Args:
        searches: with and without an answer.
        names: lists.
        unlabelled: weight of the scenes that nobody called right, where that of the right ones is 1.
    """
    parts = [_part(searches, names, names)]
    parts += [_part(searches, names, (name,)) for name in names if any(name in search.alone for search in searches)]
    used = [place for place in range(len(names)) if not np.isnan(parts[0].right.rows[:, place]).all()]
    known = np.concatenate([parts[0].right.rows, parts[0].nonsense.rows])[:, used]
    mean, deviation = np.nanmean(known, axis=0), np.nanstd(known, axis=0) + LEAST
    halves, slopes = _climb([part.scaled(used, mean, deviation) for part in parts], unlabelled)
    return {
        names[place]: RelevanceCurve(
            half=round(float(mean[at] + halves[at] * deviation[at]), 3),
            slope=round(float(slopes[at] / deviation[at]), 2),
        )
        for at, place in enumerate(used)
    }


def _climb(parts: Sequence[_Part], unlabelled: float) -> tuple[Numbers, Numbers]:
    """Halves and slopes under which the labels are the most probable, by Adam (Kingma and Ba, ICLR 2015)."""
    lists = parts[0].right.rows.shape[1]
    place = np.concatenate([np.full(lists, 0.5), np.full(lists, LOG_SLOPE)])
    mean, square = np.zeros_like(place), np.zeros_like(place)
    weights = [1.0, *[ALONE for _ in parts[1:]]]
    for step in range(1, STEPS + 1):
        halves, slopes = place[:lists], np.exp(place[lists:])
        uphill = -TRUST * np.concatenate([np.zeros(lists), place[lists:] - LOG_SLOPE])
        for weight, part in zip(weights, parts, strict=True):
            worst = part.nonsense.worst(_probabilities(part.nonsense.rows, halves, slopes)[1])
            even = np.full(len(worst), 1 / len(worst))
            uphill += weight * _uphill(part.right.rows, halves, slopes, part.right.even_weights, True)
            uphill += weight * _uphill(worst, halves, slopes, even, False)
            uphill += weight * unlabelled * _uphill(part.others.rows, halves, slopes, part.others.even_weights, False)
        mean = 0.9 * mean + 0.1 * uphill
        square = 0.999 * square + 0.001 * uphill**2
        place = place + RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + LEAST)
    return place[:lists], np.exp(place[lists:])


def _probabilities(rows: Numbers, halves: Numbers, slopes: Numbers) -> tuple[Numbers, Numbers]:
    """Of each list (rows, lists), 0 where it does not hold the scene, and together (rows,)."""
    log_odds = np.clip(slopes * (rows - halves), -50, 50)
    single = np.where(np.isnan(rows), 0.0, 1 / (1 + np.exp(-np.nan_to_num(log_odds))))
    return single, 1 - np.prod(1 - single, axis=1)


def _uphill(rows: Numbers, halves: Numbers, slopes: Numbers, weights: Numbers, right: bool) -> Numbers:
    """Derivative of the weighted log likelihood by halves, then by log slopes."""
    single, together = _probabilities(rows, halves, slopes)
    by_log_odds = single * ((1 - together) / (together + LEAST))[:, None] if right else -single
    weighted = by_log_odds * weights[:, None]
    by_log_slope = weighted * np.nan_to_num(slopes * (rows - halves))
    return np.concatenate([(-weighted * slopes).sum(axis=0), by_log_slope.sum(axis=0)])


def _part(searches: Sequence[Judged], names: Sequence[ListName], by: Sequence[ListName]) -> _Part:
    """What the lists `by` give: for all lists, in all searches; for one, in those that it should answer by itself."""
    asked = [
        search for search in searches if search.has_answer and (len(by) > 1 or by == names or by[0] in search.alone)
    ]
    return _Part(
        right=_hits([[search.scores[place] for place in sorted(search.right)] for search in asked], names, by),
        others=_hits(
            [[row for place, row in enumerate(one.scores) if place not in one.right] for one in asked], names, by
        ),
        nonsense=_hits([search.scores for search in searches if not search.has_answer], names, by),
    )


def _hits(
    searches: Sequence[Sequence[Mapping[ListName, float]]], names: Sequence[ListName], by: Sequence[ListName]
) -> _Hits:
    """Those of searches that have any; nan where a list does not hold a scene, or is not asked."""
    held = [search for search in searches if search]
    rows = [
        [scores.get(name, np.nan) if name in by else np.nan for name in names] for search in held for scores in search
    ]
    sizes = np.array([len(search) for search in held], np.int64)
    return _Hits(np.array(rows, np.float64).reshape(-1, len(names)), np.cumsum(sizes) - sizes)
