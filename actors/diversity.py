"""Maximal marginal relevance: what is found, so ordered that each next one is good and unlike those before it.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing Summaries"
(SIGIR 1998). Their lambda is 1 - diversity.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from footage.index_records import VectorName
from footage.records import SceneVectors

Floats = npt.NDArray[np.float64]
DENSE: tuple[VectorName, ...] = ("transcript", "visual", "caption")


def diverse_order(scores: Sequence[float], likeness: Floats, diversity: float) -> list[int]:
    """Positions in the order of maximal marginal relevance; of equals the earlier first.

    The order of the first n does not depend on how many follow, so that pages of it agree.

    Args:
        scores: how good each is; only how they lie between the lowest and the highest counts.
        likeness: (n, n), 0 to 1; see likeness().
        diversity: 0 keeps the order of scores, 1 looks at likeness alone, from the best one on.
    """
    if not scores:
        return []
    held = np.asarray(scores, np.float64)
    spread = held.max() - held.min()
    good = (held - held.min()) / spread if spread > 0 else np.ones_like(held)
    nearest = np.zeros_like(held)  # the greatest likeness to one that is chosen
    order: list[int] = []
    left = np.ones(len(held), bool)
    while len(order) < len(held):
        value = np.where(left, (1 - diversity) * good - diversity * nearest, -np.inf)
        best = int(value.argmax()) if order else int(held.argmax())
        order.append(best)
        left[best] = False
        nearest = np.maximum(nearest, likeness[best])
    return order


def likeness(scenes: Sequence[SceneVectors | None], weights: Mapping[VectorName, float]) -> Floats:
    """How alike scenes are, (n, n) from 0 to 1: the weighted mean cosine of the vectors that both have.

    Scenes that have none in common, and None, are not alike.

    Args:
        scenes: their vectors, of unit length.
        weights: of the kinds of vectors; others do not count.
    """
    total = np.zeros((len(scenes), len(scenes)))
    weight = np.zeros_like(total)
    for name in DENSE:
        vectors = [None if scene is None else getattr(scene, name) for scene in scenes]
        there = np.array([vector is not None for vector in vectors])
        if not weights.get(name) or not there.any():
            continue
        size = next(len(vector) for vector in vectors if vector is not None)
        matrix = np.array([np.zeros(size, np.float32) if vector is None else vector for vector in vectors])
        total += weights[name] * (matrix @ matrix.T)
        weight += weights[name] * np.outer(there, there)
    mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return np.clip(mean, 0, 1)
