"""Fixtures of tests that need a server. A conftest imports both names; a test asks for `qdrant`.

There is one server for all tests of the session: each test uses names of collections of its own.
"""

from collections.abc import Iterator

import pytest

from tests.qdrant_server.server import QdrantServer


@pytest.fixture(scope="session")
def qdrant_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QdrantServer]:
    """One server for the session."""
    with QdrantServer(tmp_path_factory.mktemp("qdrant")) as server:
        yield server


@pytest.fixture
def qdrant(qdrant_of_session: QdrantServer) -> Iterator[QdrantServer]:
    """The session's server, without faults and with all counts at zero."""
    qdrant_of_session.faults.clear()
    yield qdrant_of_session
    qdrant_of_session.faults.clear()
