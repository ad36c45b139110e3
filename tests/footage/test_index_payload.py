from footage.index_payload import hit, in_batches, in_order, payload, videos_in_order
from footage.index_records import VideoHit
from tests.points import scene


def test_scores_that_differ_in_their_last_digits_only_are_equal() -> None:
    names = ["v1/0", "v1/10", "v1/20"]
    held = sorted((payload(scene(name), live=True) for name in names), key=lambda one: str(one["scene_id"]))
    first, second, third = held
    low, high = 2.590778112411499, 2.590778350830078  # next to each other in single precision
    best = [hit(third, 2.5908), hit(first, low), hit(second, high)]
    assert in_order([hit(second, high), hit(first, low), hit(third, 2.5908)]) == best
    assert in_order([hit(first, high), hit(second, low)]) == [hit(first, high), hit(second, low)]
    assert in_order(hit(one, 1.0) for one in reversed(held)) == [hit(one, 1.0) for one in held]


def test_videos_of_equal_scores_come_by_id() -> None:
    low, high = 0.5907781, 0.5907782
    best = [VideoHit("v3", 0.6), VideoHit("v1", low), VideoHit("v2", high)]
    assert videos_in_order(reversed(best)) == best


def test_batches() -> None:
    assert list(in_batches([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(in_batches([1, 2], 2)) == [[1, 2]]
    assert list(in_batches([], 2)) == []
