"""How sure it is that a scene answers a query, from its scores in the lists of a search.

Each list has a logistic curve from its score to the probability that the scene answers the query in the way of that
list: by what is said, by its words, by what is seen. A scene answers if it does in any way, so the probabilities are
combined as a noisy-or, 1 - (1 - a)(1 - b)... (Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, section
4.3.2): two half convincing reasons are more than one, and none can take away what another gives. So relevance never
falls when a score rises or when one more list holds the scene, which ends a search early. benchmarks/relevance.py fits
all curves together under this model.
"""

import math
from collections.abc import Mapping

from footage.index_records import ListName
from footage.pipeline_settings import SearchSettings
from footage.records import SparseVector
from footage.relevance_settings import RelevanceCurve

MOST_LOG_ODDS = 500.0  # exp() of more than 709 is none


def relevance(scores: Mapping[ListName, float], settings: SearchSettings, query_weight: float = 1.0) -> float | None:
    """From 0 to 1; None if no list that holds the scene is calibrated.

    Args:
        scores: of the scene, in the lists that hold it.
        settings: with the curves of the models that made the vectors.
        query_weight: see query_weight(); `transcript_sparse` scores are taken as shares of it.
    """
    none_answers = 1.0
    is_calibrated = False
    for name, score in scores.items():
        curve: RelevanceCurve | None = getattr(settings.relevance, name)
        if curve is not None:
            is_calibrated = True
            share = score / query_weight if name == "transcript_sparse" else score
            log_odds = min(max(curve.slope * (share - curve.half), -MOST_LOG_ODDS), MOST_LOG_ODDS)
            none_answers *= 1 - 1 / (1 + math.exp(-log_odds))
    return 1 - none_answers if is_calibrated else None


def query_weight(words: SparseVector) -> float:
    """The dot product of a query with itself: what a scene would score that says just its words.

    Long queries score higher than short ones, so scores of words are compared as shares of this. Where the index weighs
    words by their rarity, a share may be above 1.
    """
    return sum(value * value for value in words.values) or 1.0
