"""An index of each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from footage.index import VectorIndex
from tests.points import ENGINES, Open


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same index again and again, the former one closed."""
    held: list[VectorIndex] = []

    def again() -> VectorIndex:
        while held:
            held.pop().close()
        held.append(ENGINES[request.param](tmp_path))
        return held[-1]

    yield again
    while held:
        held.pop().close()


@pytest.fixture
def index(opened: Open) -> VectorIndex:
    return opened()
