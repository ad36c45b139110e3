"""What a collection is: made from a request, changed by another, and told to the engine."""

from typing import Any

import qdrant_edge as edge
from google.protobuf.message import Message
from qdrant_client import grpc as proto

from tests.qdrant_server.errors import only, unknown, wrong
from tests.qdrant_server.vectors import UNNAMED

MAX_DIMENSIONS = 65_536
_NOT_IN_NAMES = frozenset('<>:"/\\|?*\0\x1f')
_MEMORY = {1: edge.Memory.Cold, 2: edge.Memory.Cached, 3: edge.Memory.Pinned}
_DISTANCES = {1: edge.Distance.Cosine, 2: edge.Distance.Euclid, 3: edge.Distance.Dot, 4: edge.Distance.Manhattan}
_DATATYPES = {
    1: edge.VectorStorageDatatype.Float32,
    2: edge.VectorStorageDatatype.Uint8,
    3: edge.VectorStorageDatatype.Float16,
}


def check_name(name: str) -> None:
    """Let pass what may be the name of a collection or an alias."""
    if not 1 <= len(name) <= 255 or _NOT_IN_NAMES & set(name):
        raise wrong(f"`{name}` cannot be a name: 1 to 255 characters, none of {''.join(sorted(_NOT_IN_NAMES))!r}")


def new_config(request: proto.CreateCollection) -> proto.CollectionConfig:
    """The whole configuration, with Qdrant's defaults for what the request leaves open.

    Shards, replicas, HNSW, quantization and optimizers are kept and given back; one node, one shard and exact search
    are what there is. Strict mode and custom sharding, which change what calls do, are refused.
    """
    only(
        request, "collection_name", "hnsw_config", "wal_config", "optimizers_config", "shard_number",
        "on_disk_payload", "timeout", "vectors_config", "replication_factor", "write_consistency_factor",
        "quantization_config", "sparse_vectors_config", "metadata", "payload", "id_tracker",
    )  # fmt: skip
    config = proto.CollectionConfig(
        params=proto.CollectionParams(
            shard_number=1, on_disk_payload=True, replication_factor=1, write_consistency_factor=1
        ),
        hnsw_config=proto.HnswConfigDiff(
            m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=0, on_disk=False
        ),
        optimizer_config=proto.OptimizersConfigDiff(
            deleted_threshold=0.2,
            vacuum_min_vector_number=1000,
            default_segment_number=0,
            indexing_threshold=10_000,
            flush_interval_sec=5,
        ),
        wal_config=proto.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0, wal_retain_closed=1),
    )
    config.hnsw_config.MergeFrom(request.hnsw_config)
    config.optimizer_config.MergeFrom(request.optimizers_config)
    config.wal_config.MergeFrom(request.wal_config)
    for name in ("shard_number", "on_disk_payload", "replication_factor", "write_consistency_factor"):
        if request.HasField(name):
            setattr(config.params, name, getattr(request, name))
    for name in ("vectors_config", "sparse_vectors_config", "payload", "id_tracker"):
        if request.HasField(name):
            getattr(config.params, name).CopyFrom(getattr(request, name))
    if request.HasField("quantization_config"):
        config.quantization_config.CopyFrom(request.quantization_config)
    _merge_map(config.metadata, request.metadata)
    _check(config)
    return config


def changed_config(config: proto.CollectionConfig, request: proto.UpdateCollection) -> proto.CollectionConfig:
    """The configuration after an update; what the update leaves open stays."""
    only(
        request, "collection_name", "optimizers_config", "timeout", "params", "hnsw_config", "vectors_config",
        "quantization_config", "metadata",
    )  # fmt: skip
    new = proto.CollectionConfig()
    new.CopyFrom(config)
    new.hnsw_config.MergeFrom(request.hnsw_config)
    new.optimizer_config.MergeFrom(request.optimizers_config)
    for field, value in request.params.ListFields():
        if isinstance(value, Message):
            getattr(new.params, field.name).CopyFrom(value)
        else:
            setattr(new.params, field.name, value)
    if request.HasField("quantization_config"):
        _change_quantization(new, request.quantization_config)
    vectors = named_vectors(new.params)
    diffs = request.vectors_config
    named = {UNNAMED: diffs.params} if diffs.WhichOneof("config") == "params" else diffs.params_map.map
    for name in named:
        if name not in vectors:
            raise wrong(f"Not existing vector name error: {name}")
        _change_vector(vectors[name], named[name])
    _merge_map(new.metadata, request.metadata)
    _check(new)
    return new


def engine_config(params: proto.CollectionParams) -> edge.EdgeConfig:
    """What the engine has to know: the vectors, and where things lie.

    Its HNSW and quantization are made by optimize() only, which nothing here calls: searches are exact.
    """
    return edge.EdgeConfig(
        vectors={name: _dense(vector) for name, vector in named_vectors(params).items()} or None,
        sparse_vectors={name: _sparse(vector) for name, vector in params.sparse_vectors_config.map.items()} or None,
        on_disk_payload=params.on_disk_payload,
        wal_enabled=True,  # a killed server has lost nothing that it had acknowledged
    )


def named_vectors(params: proto.CollectionParams) -> dict[str, proto.VectorParams]:
    """The dense vectors by name; the messages themselves, to be changed too."""
    vectors = params.vectors_config
    if vectors.WhichOneof("config") == "params":
        return {UNNAMED: vectors.params}
    return {name: vectors.params_map.map[name] for name in vectors.params_map.map}


def _dense(vector: proto.VectorParams) -> edge.EdgeVectorParams:
    multi = vector.HasField("multivector_config")
    return edge.EdgeVectorParams(
        size=vector.size,
        distance=_DISTANCES[vector.distance],
        on_disk=vector.on_disk if vector.HasField("on_disk") else None,
        memory=_MEMORY.get(vector.memory),
        multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim) if multi else None,
        datatype=_datatype(vector.datatype),
    )


def _sparse(vector: proto.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    index = vector.index
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=index.full_scan_threshold if index.HasField("full_scan_threshold") else None,
        on_disk=index.on_disk if index.HasField("on_disk") else None,
        modifier=edge.Modifier.Idf if vector.modifier == proto.Modifier.Idf else None,
        datatype=_datatype(index.datatype),
        memory=_MEMORY.get(index.memory),
    )


def _datatype(number: int) -> Any:
    if number and number not in _DATATYPES:
        raise unknown(f"vectors of datatype {proto.Datatype.Name(number)}")
    return _DATATYPES.get(number)


def _check(config: proto.CollectionConfig) -> None:
    """Raise what Qdrant's own validation of the request would."""
    vectors = named_vectors(config.params)
    if not vectors and not config.params.sparse_vectors_config.map:
        raise unknown("a collection without vectors")
    for name, vector in vectors.items():
        if not 1 <= vector.size <= MAX_DIMENSIONS:
            raise wrong(f"vector {name!r}: size must be from 1 to {MAX_DIMENSIONS}, not {vector.size}")
        if vector.distance not in _DISTANCES:
            raise wrong(f"vector {name!r}: unknown distance {vector.distance}")
        _datatype(vector.datatype)
    if config.hnsw_config.ef_construct < 4 or config.hnsw_config.m > 10_000:
        raise wrong("hnsw_config: ef_construct must be at least 4 and m at most 10000")
    for name in ("shard_number", "replication_factor", "write_consistency_factor"):
        if getattr(config.params, name) < 1:
            raise wrong(f"{name} must be at least 1")


def _change_vector(vector: proto.VectorParams, diff: proto.VectorParamsDiff) -> None:
    if diff.HasField("hnsw_config"):
        vector.hnsw_config.MergeFrom(diff.hnsw_config)
    if diff.HasField("quantization_config"):
        _change_quantization(vector, diff.quantization_config)
    for name in ("on_disk", "memory"):
        if diff.HasField(name):
            setattr(vector, name, getattr(diff, name))


def _change_quantization(holder: Any, diff: proto.QuantizationConfigDiff) -> None:
    kind = diff.WhichOneof("quantization")
    holder.ClearField("quantization_config")
    if kind not in (None, "disabled"):
        getattr(holder.quantization_config, kind).CopyFrom(getattr(diff, kind))


def _merge_map(into: Any, values: Any) -> None:
    for key in values:
        into[key].CopyFrom(values[key])
