import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from footage.errors import StoreUnavailable
from footage.version import VERSION
from serve_apps.api_types import Health
from serve_apps.health import HealthCheck
from tests.memory_store import MemoryStore

LONG_S = 60.0


class Part:
    """An index and an encoder of queries: does what it is told, and counts how often."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, _: object) -> Any:
        self.asked += 1
        assert self.may_answer.wait(LONG_S)
        if self.error is not None:
            raise self.error

    count = encode = __call__


class Away(MemoryStore):
    def get(self, key: str) -> bytes:
        raise StoreUnavailable("10.0.0.8 is away.")


def check(index: Part, encoder: Part, store: MemoryStore, within_s: float = LONG_S) -> HealthCheck:
    parts: Any = (index, encoder)
    return HealthCheck(*parts, store, within_s)


def health(**ill: str) -> Health:
    state = "degraded" if ill else "ok"
    return Health.model_validate(
        {"state": state, "index": "ok", "encoders": "ok", "store": "ok", "version": VERSION, **ill}
    )


@pytest.fixture
def hanging() -> Iterator[Part]:
    part = Part()
    part.may_answer.clear()
    yield part
    part.may_answer.set()


def test_all_is_well() -> None:
    assert check(Part(), Part(), MemoryStore())() == health()


def test_whatever_a_part_fails_of_it_is_named_and_the_reason_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    broken = check(Part(), Part(RuntimeError("onnxruntime: no such node")), Away())
    with caplog.at_level(logging.ERROR):
        found = broken()
    assert found == health(encoders="An encoder of queries does not answer.", store="The object store does not answer.")
    assert "RuntimeError: onnxruntime: no such node" in caplog.text
    assert "The object store does not answer: StoreUnavailable: 10.0.0.8 is away." in caplog.text


def test_a_part_that_hangs_is_named_in_time_and_tried_once(hanging: Part) -> None:
    ill = health(index="The index does not answer.")
    encoder = Part()
    slow = check(hanging, encoder, MemoryStore(), within_s=0.2)
    assert [slow() for _ in range(3)] == [ill] * 3
    assert (hanging.asked, encoder.asked) == (1, 3)
