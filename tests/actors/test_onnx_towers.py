import numpy as np

from actors.onnx_towers import alike, sparse_vector
from footage.records import SparseVector


def test_a_token_weighs_what_it_weighs_most() -> None:
    weights = np.array([0.9, 0.25, 0.5, 0.125, 0.75, 0.0, 0.375], np.float32)
    found = sparse_vector([0, 7, 5, 7, 5, 6, 2], weights, frozenset({0, 2}))
    assert found == SparseVector((5, 7), (0.75, 0.25))


def test_a_later_and_lighter_occurrence_changes_nothing() -> None:
    weights = np.array([0.75, 0.5], np.float32)
    assert sparse_vector([5, 5], weights, frozenset()) == SparseVector((5,), (0.75,))


def test_texts_of_like_length_share_a_batch() -> None:
    assert alike([]) == []
    assert alike([9, 3, 16, 5]) == [[1, 3, 0, 2]]
    assert alike([40, 3, 80, 81, 12]) == [[1, 4], [0, 2], [3]]
