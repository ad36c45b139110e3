"""How the tests of this room ask a server: with the real client, over gRPC."""

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from qdrant_client import QdrantClient
from qdrant_client.http import models

from tests.qdrant_server.server import QdrantServer

DENSE = {"text": 6, "picture": 4}  # dimensions by name
WORKSPACES = ("home", "work", "away")
TERMS = 12  # of the sparse vectors


def client(server: QdrantServer | int, **more: Any) -> QdrantClient:
    """A client of a server, or of what listens on a port."""
    port = server if isinstance(server, int) else server.port
    return QdrantClient(
        host="127.0.0.1", grpc_port=port, prefer_grpc=True, https=False, check_compatibility=False, **more
    )


@contextmanager
def refused(code: grpc.StatusCode, *words: str) -> Iterator[None]:
    """The call in this block fails with this status, and its message has these words."""
    with pytest.raises(grpc.RpcError) as failed:
        yield
    error: Any = failed.value
    assert error.code() is code, error
    for word in words:
        assert word in error.details()


def create(asked: QdrantClient, name: str, **more: Any) -> str:
    """An empty collection; its name."""
    asked.create_collection(
        name,
        vectors_config={
            vector: models.VectorParams(size=size, distance=models.Distance.COSINE) for vector, size in DENSE.items()
        },
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        **more,
    )
    return name


def point_id(number: int) -> str:
    """The UUID of a point; their order is that of the numbers."""
    return str(uuid.UUID(int=number))


def points(count: int, seed: int = 7) -> list[models.PointStruct]:
    """Points numbered from 1 with random vectors; every seventh has no picture."""
    chance = random.Random(seed)
    return [_point(number, chance) for number in range(1, count + 1)]


def dense(chance: random.Random, size: int) -> list[float]:
    """A random vector."""
    return [chance.gauss(0, 1) for _ in range(size)]


def sparse(chance: random.Random) -> models.SparseVector:
    """A random sparse vector of four terms."""
    return models.SparseVector(
        indices=sorted(chance.sample(range(TERMS), 4)), values=[chance.random() + 0.1 for _ in range(4)]
    )


def _point(number: int, chance: random.Random) -> models.PointStruct:
    vectors: dict[str, Any] = {name: dense(chance, size) for name, size in DENSE.items()}
    vectors["words"] = sparse(chance)
    if number % 7 == 0:
        del vectors["picture"]
    payload = {
        "workspace": chance.choice(WORKSPACES),
        "start_s": number / 2,
        "live": number % 2 == 0,
        "number": number,
        "tags": chance.sample(["a", "b", "c", "d"], 2),
        "nested": {"none": None, "list": [1, 2.5, "x", {"deep": True}]},
    }
    return models.PointStruct(id=point_id(number), vector=vectors, payload=payload)
