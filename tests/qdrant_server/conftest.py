"""The server that the tests of this room ask."""

from tests.qdrant_server.fixtures import qdrant, qdrant_of_session

__all__ = ["qdrant", "qdrant_of_session"]
