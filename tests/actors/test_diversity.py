import numpy as np
import pytest

from actors.diversity import diverse_order, likeness
from tests.points import vectors

ALIKE = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("scores", "diversity", "expected"),
    [
        ([3.0, 2.0, 1.0], 0, [0, 1, 2]),
        # good is 1, 1/2, 0: beside the first, 1/2 less its likeness is -1/4 for the second, and 0 for the third
        ([3.0, 2.0, 1.0], 0.5, [0, 2, 1]),
        # 2/3 * 1/2 - 1/3 * 1 equals 2/3 * 0: the earlier one goes first
        ([3.0, 2.0, 1.0], 1 / 3, [0, 1, 2]),
        ([3.0, 2.0, 1.0], 1, [0, 2, 1]),
        ([1.0, 3.0, 3.0], 1, [1, 2, 0]),
        ([2.0, 2.0, 2.0], 0.5, [0, 2, 1]),
        ([], 0.5, []),
    ],
)
def test_each_next_one_is_good_and_unlike_those_before(
    scores: list[float], diversity: float, expected: list[int]
) -> None:
    assert diverse_order(scores, ALIKE[: len(scores), : len(scores)], diversity) == expected


def test_what_is_chosen_first_does_not_depend_on_how_many_follow() -> None:
    random = np.random.default_rng(5)
    scenes = [
        vectors(str(n), visual=(v / np.linalg.norm(v)).tolist()) for n, v in enumerate(random.normal(size=(30, 3)))
    ]
    scores = sorted(random.random(30).tolist(), reverse=True)
    alike = likeness(scenes, {"visual": 1.0})
    order = diverse_order(scores, alike, 0.7)
    assert sorted(order) == list(range(30)) != order
    # the naive rule, written out
    good = [(score - scores[-1]) / (scores[0] - scores[-1]) for score in scores]
    for place in range(1, 30):
        value = {n: 0.3 * good[n] - 0.7 * max(alike[n, m] for m in order[:place]) for n in order[place:]}
        assert value[order[place]] == pytest.approx(max(value.values()))


def test_scenes_are_compared_by_the_vectors_that_both_have() -> None:
    scenes = [
        vectors("a", transcript=[1, 0], visual=[1, 0, 0]),
        vectors("b", transcript=[0.6, 0.8], visual=[0, 1, 0], caption=[1, 0]),
        vectors("c", visual=[0.6, 0.8, 0], caption=[-1, 0]),
        None,
    ]
    found = likeness(scenes, {"transcript": 1, "visual": 3, "transcript_sparse": 5})
    assert found == pytest.approx(
        np.array([[1, 0.6 / 4, 0.6, 0], [0.6 / 4, 1, 0.8, 0], [0.6, 0.8, 1, 0], [0, 0, 0, 0]]), abs=1e-6
    )
    assert likeness(scenes[1:3], {"caption": 1})[0, 1] == 0  # not below
    assert likeness([None], {"visual": 1.0}).tolist() == [[0.0]]
