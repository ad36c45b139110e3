"""An index of each engine, and the server that one of them needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from footage.index import VectorIndex
from tests.points import ENGINES, Open, drop, open_engine


def url_for(engine: str, request: pytest.FixtureRequest) -> str:
    """Where the tests' server is; one is started for the engine that needs it."""
    return request.getfixturevalue("qdrant_of_session").url if engine == "server" else ""


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same index again and again, the former one closed."""
    url = url_for(request.param, request)
    held: list[VectorIndex] = []

    def again() -> VectorIndex:
        while held:
            held.pop().close()
        held.append(open_engine(request.param, tmp_path, url))
        return held[-1]

    yield again
    while held:
        drop(held.pop())


@pytest.fixture
def index(opened: Open) -> VectorIndex:
    return opened()
