"""Vectors and point ids between the wire and the engine.

A vector travels in the `vector` choice of its message (dense, sparse, multi_dense) since Qdrant 1.13 or so; the flat
`data` with `indices` or `vectors_count` beside it is how older clients send it, and is still taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import qdrant_edge as edge
from qdrant_client import grpc as proto

from tests.qdrant_server.errors import unknown, wrong

UNNAMED = ""  # the engine's name for the vector of a collection that has only one


@dataclass(frozen=True, slots=True)
class VectorKind:
    """What the vectors of a name are."""

    form: Literal["dense", "multi_dense", "sparse"]
    size: int = 0  # numbers of a dense vector, and of each vector of a multi_dense one


Kinds = Mapping[str, VectorKind]


def vector_kinds(params: proto.CollectionParams) -> dict[str, VectorKind]:
    """The vectors of a collection by name."""
    dense = params.vectors_config
    named = {UNNAMED: dense.params} if dense.WhichOneof("config") == "params" else dict(dense.params_map.map)
    kinds = {
        name: VectorKind("multi_dense" if vector.HasField("multivector_config") else "dense", vector.size)
        for name, vector in named.items()
    }
    return kinds | {name: VectorKind("sparse") for name in params.sparse_vectors_config.map}


def from_point_id(message: proto.PointId) -> int | str:
    """A number, or a UUID in its usual spelling."""
    match message.WhichOneof("point_id_options"):
        case "num":
            return int(message.num)
        case "uuid":
            try:
                return str(UUID(message.uuid))
            except ValueError:
                raise wrong(f"Unable to parse UUID: {message.uuid}") from None
    raise wrong("malformed point id")


def to_point_id(point_id: int | UUID | str) -> proto.PointId:
    """The id as it is sent."""
    return proto.PointId(num=point_id) if isinstance(point_id, int) else proto.PointId(uuid=str(point_id))


def from_vectors(message: proto.Vectors, kinds: Kinds) -> dict[str, Any]:
    """The vectors of a point by name, each checked against its kind: the engine stores some wrong ones."""
    match message.WhichOneof("vectors_options"):
        case None:
            return {}
        case "vector":
            named = {UNNAMED: message.vector}
        case _:
            named = message.vectors.vectors
    return {name: checked(name, from_vector(named[name]), kinds) for name in named}


def from_vector(message: proto.Vector | proto.VectorInput) -> Any:
    """A list, a list of lists, or an edge.SparseVector."""
    form = message.WhichOneof("vector" if isinstance(message, proto.Vector) else "variant")
    match form:
        case "dense":
            return message.dense.data[:]
        case "sparse":
            return edge.SparseVector(message.sparse.indices[:], message.sparse.values[:])
        case "multi_dense":
            return [vector.data[:] for vector in message.multi_dense.vectors]
        case None if isinstance(message, proto.Vector):
            return _from_flat(message)
    raise unknown(f"a vector given as {form}")


def _from_flat(message: proto.Vector) -> Any:
    if message.HasField("indices"):
        return edge.SparseVector(message.indices.data[:], message.data[:])
    if message.HasField("vectors_count"):
        size = len(message.data) // max(message.vectors_count, 1)
        return [message.data[first : first + size] for first in range(0, len(message.data), max(size, 1))]
    return message.data[:]


def checked(name: str, vector: Any, kinds: Kinds) -> Any:
    """The vector, if a collection with these kinds can hold it under this name, or be searched with it."""
    kind = kinds.get(name)
    if kind is None:
        raise wrong(f"Not existing vector name error: {name}")
    if isinstance(vector, edge.SparseVector):
        if kind.form != "sparse":
            raise wrong("Conversion between sparse and regular vectors failed")
        indices = vector.indices
        if len(indices) != len(vector.values) or len(set(indices)) != len(indices):
            raise wrong("Validation error in sparse vector: must have unique indices, one for each value")
        return vector
    if kind.form == "sparse":
        raise wrong("Conversion between sparse and regular vectors failed")
    rows = vector if vector and isinstance(vector[0], list) else [vector]
    if rows is vector and kind.form == "dense":
        raise wrong("Conversion between multi and regular vectors failed")
    for row in rows:
        if len(row) != kind.size:
            raise wrong(f"Vector dimension error: expected dim: {kind.size}, got {len(row)}")
    return rows if kind.form == "multi_dense" else vector


def to_vectors(vectors: Mapping[str, Any] | list[float] | None) -> proto.VectorsOutput | None:
    """The vectors of a point as they are sent; None where none were asked for."""
    if vectors is None:
        return None
    named = vectors if isinstance(vectors, Mapping) else {UNNAMED: vectors}
    if named.keys() == {UNNAMED}:
        return proto.VectorsOutput(vector=_to_vector(named[UNNAMED]))
    output = {name: _to_vector(vector) for name, vector in named.items()}
    return proto.VectorsOutput(vectors=proto.NamedVectorsOutput(vectors=output))


def _to_vector(vector: Any) -> proto.VectorOutput:
    if isinstance(vector, edge.SparseVector):
        return proto.VectorOutput(sparse=proto.SparseVector(indices=vector.indices, values=vector.values))
    if vector and isinstance(vector[0], list):
        rows = [proto.DenseVector(data=row) for row in vector]
        return proto.VectorOutput(multi_dense=proto.MultiDenseVector(vectors=rows))
    return proto.VectorOutput(dense=proto.DenseVector(data=vector))


def vectors_selector(message: proto.WithVectorsSelector, kinds: Kinds) -> bool | list[str]:
    """Which vectors are asked for, as the engine takes it; none by default."""
    match message.WhichOneof("selector_options"):
        case None:
            return False
        case "enable":
            return bool(message.enable)
    names = list(message.include.names)
    for name in names:
        if name not in kinds:
            raise wrong(f"Not existing vector name error: {name}")
    return names
