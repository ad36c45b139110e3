"""Fixtures of tests that need a server. A conftest imports both names; a test asks for `qdrant`.

There is one server for all tests of the session: each test uses names of collections of its own.
"""

from collections.abc import Iterator

import pytest

from tests.memory_folder import memory_folder
from tests.qdrant_server.server import QdrantServer


@pytest.fixture(scope="session")
def qdrant_of_session() -> Iterator[QdrantServer]:
    """One server for the session."""
    with memory_folder() as folder, QdrantServer(folder) as server:
        yield server


@pytest.fixture
def qdrant(qdrant_of_session: QdrantServer) -> Iterator[QdrantServer]:
    """The session's server, without faults and with all counts at zero."""
    qdrant_of_session.faults.clear()
    yield qdrant_of_session
    qdrant_of_session.faults.clear()
