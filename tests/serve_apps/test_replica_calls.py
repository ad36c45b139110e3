"""Calls of other processes of the service: what who asked gets when these die, are slow, or refuse."""

from collections.abc import Callable
from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError, RayTaskError
from ray.serve.exceptions import BackPressureError

from footage.errors import IndexBusy, IndexMismatch
from serve_apps.replica_calls import ReplicaCall


class Response:
    """What Serve gives for a call: this one does as it was told."""

    def __init__(self, gives: Callable[[], Any]) -> None:
        self.cancelled = False
        self._gives = gives

    def result(self, timeout_s: float) -> Any:
        assert timeout_s > 0
        return self._gives()

    def cancel(self) -> None:
        self.cancelled = True


def _raises(error: Exception) -> Callable[[], Any]:
    def gives() -> Any:
        raise error

    return gives


def _call(*responses: Response, within_s: float = 5.0) -> Any:
    left = list(responses)
    return ReplicaCall(lambda: left.pop(0), within_s, lambda reason: IndexBusy(f"The index {reason}.")).result()


def test_a_call_is_made_again_where_its_process_died() -> None:
    died = Response(_raises(ActorUnavailableError("gone", b"1" * 16)))

    assert _call(died, died, Response(lambda: 7)) == 7


def test_a_slow_one_is_given_up_with_a_sentence() -> None:
    slow = Response(_raises(TimeoutError()))

    with pytest.raises(IndexBusy, match=r"^The index did not answer within 5 s\.$"):
        _call(slow)
    assert slow.cancelled


def test_deaths_do_not_go_on_for_ever() -> None:
    with pytest.raises(IndexBusy, match=r"did not answer within 0\.12 s"):
        _call(*[Response(_raises(ActorUnavailableError("gone", b"1" * 16)))] * 100, within_s=0.12)


def test_a_queue_that_is_full_is_an_outage() -> None:
    with pytest.raises(IndexBusy, match="is not to be had"):
        _call(Response(_raises(BackPressureError(num_queued_requests=2, max_queued_requests=1))))


def test_what_the_other_side_raised_on_purpose_comes_as_it_was_raised() -> None:
    cause = IndexMismatch("The index is of other models.")
    told = RayTaskError("call", "a long traceback", cause).as_instanceof_cause()

    with pytest.raises(IndexMismatch) as caught:
        _call(Response(_raises(told)))
    assert str(caught.value) == "The index is of other models."


def test_a_fault_of_the_other_side_is_no_outage() -> None:
    with pytest.raises(ZeroDivisionError):
        _call(Response(_raises(RayTaskError("call", "", ZeroDivisionError("x")).as_instanceof_cause())))
