"""Collections, as a Qdrant server keeps them."""

import grpc
from qdrant_client.http import models

from tests.qdrant_server.asking import client, create, refused
from tests.qdrant_server.server import QdrantServer

VECTORS = {"v": models.VectorParams(size=3, distance=models.Distance.DOT, on_disk=True)}


def test_a_collection_is_given_back_as_it_was_made(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    metadata = {"models": {"text": "m3", "dimensions": 3}, "idf": True, "none": None, "list": [1, 2.5]}
    quantization = models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    )
    asked.create_collection(
        "made",
        vectors_config=VECTORS,
        sparse_vectors_config={
            "s": models.SparseVectorParams(modifier=models.Modifier.IDF, index=models.SparseIndexParams(on_disk=True))
        },
        hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
        quantization_config=quantization,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
        shard_number=6,
        replication_factor=2,
        on_disk_payload=True,
        metadata=metadata,
    )
    info = asked.get_collection("made")
    assert info.config == models.CollectionConfig(
        params=models.CollectionParams(
            vectors=VECTORS,
            sparse_vectors={
                "s": models.SparseVectorParams(
                    modifier=models.Modifier.IDF, index=models.SparseIndexParams(on_disk=True)
                )
            },
            shard_number=6,
            replication_factor=2,
            write_consistency_factor=1,
            on_disk_payload=True,
        ),
        hnsw_config=models.HnswConfig(
            m=0, payload_m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=0, on_disk=False
        ),
        optimizer_config=models.OptimizersConfig(
            deleted_threshold=0.2,
            vacuum_min_vector_number=1000,
            default_segment_number=0,
            flush_interval_sec=5,
            indexing_threshold=0,
        ),
        wal_config=models.WalConfig(wal_capacity_mb=32, wal_segments_ahead=0, wal_retain_closed=1),
        quantization_config=quantization,
        metadata=metadata,
    )
    assert (info.status, info.points_count, info.payload_schema) == (models.CollectionStatus.GREEN, 0, {})


def test_an_update_changes_what_it_names_and_no_more(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    asked.create_collection(
        "changed",
        vectors_config=VECTORS,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0, max_segment_size=7),
        metadata={"a": 1, "b": 2},
        quantization_config=models.BinaryQuantization(binary=models.BinaryQuantizationConfig()),
    )
    before = asked.get_collection("changed").config
    asked.update_collection(
        "changed",
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=20_000),
        hnsw_config=models.HnswConfigDiff(m=32),
        quantization_config=models.Disabled.DISABLED,
        vectors_config={"v": models.VectorParamsDiff(on_disk=False)},
        metadata={"b": 3, "c": 4},
    )
    after = asked.get_collection("changed").config
    before.optimizer_config.indexing_threshold = 20_000
    before.hnsw_config.m = 32
    before.quantization_config = None
    before.params.vectors = {"v": VECTORS["v"].model_copy(update={"on_disk": False})}
    before.metadata = {"a": 1, "b": 3, "c": 4}
    assert after == before


def test_listing_and_deleting(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "here")
    assert "here" in {each.name for each in asked.get_collections().collections}
    assert asked.collection_exists("here")
    assert asked.delete_collection("here")
    assert not asked.collection_exists("here")
    assert not asked.delete_collection("here")
    create(asked, "here")  # and is empty again
    assert asked.count("here").count == 0


def test_what_cannot_be_done_is_refused_as_qdrant_refuses_it(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "taken")
    with refused(grpc.StatusCode.ALREADY_EXISTS, "Collection `taken` already exists!"):
        create(asked, "taken")
    for call in (asked.get_collection, asked.count, asked.scroll):
        with refused(grpc.StatusCode.NOT_FOUND, "Collection `nowhere` doesn't exist!"):
            call("nowhere")
    with refused(grpc.StatusCode.NOT_FOUND):
        asked.update_collection("nowhere", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "size"):
        asked.create_collection("bad", vectors_config=models.VectorParams(size=0, distance=models.Distance.DOT))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "name"):
        create(asked, "a/b")
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "zz"):
        asked.update_collection("taken", vectors_config={"zz": models.VectorParamsDiff(on_disk=True)})
    assert {each.name for each in asked.get_collections().collections}.isdisjoint({"bad", "a/b"})


def test_what_is_not_known_is_never_passed_over(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    with refused(grpc.StatusCode.UNIMPLEMENTED, "strict_mode_config"):
        create(asked, "strict", strict_mode_config=models.StrictModeConfig(enabled=True))
    with refused(grpc.StatusCode.UNIMPLEMENTED, "sharding_method"):
        create(asked, "sharded", sharding_method=models.ShardingMethod.CUSTOM)
    create(asked, "known")
    with refused(grpc.StatusCode.UNIMPLEMENTED):
        asked.create_snapshot("known")
    with refused(grpc.StatusCode.UNIMPLEMENTED):
        asked.clear_payload("known", [1])
