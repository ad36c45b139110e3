"""The collections of an index on a server: made once, as the settings say, of one set of models."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from footage.errors import IndexMismatch, StoreError
from footage.index_records import IndexSpec
from footage.index_spec import LAYOUT
from footage.server_collections import CollectionNames, make_collections
from footage.server_connection import ServerConnection
from footage.server_index import ServerIndex
from tests.points import ALL, LIVE, SPEC, drop_collections, ids, names, scene, seen, server_settings, write
from tests.qdrant_server.server import QdrantServer

Make = Callable[..., ServerIndex]


@pytest.fixture
def make(qdrant: QdrantServer, tmp_path: Path) -> Iterator[Make]:
    """Opens the index of this test; arguments are those of the settings, and `spec` and `create`."""
    made: list[ServerIndex] = []

    def opened(spec: IndexSpec = SPEC, create: bool = True, **changes: Any) -> ServerIndex:
        made.append(ServerIndex(qdrant.url, spec, server_settings(tmp_path, **changes), create))
        return made[-1]

    yield opened
    qdrant.faults.clear()
    for index in made:
        drop_collections(index)
        index.close()


@pytest.fixture
def client(qdrant: QdrantServer) -> Iterator[QdrantClient]:
    client = QdrantClient(
        host="127.0.0.1", grpc_port=qdrant.port, prefer_grpc=True, https=False, check_compatibility=False
    )
    yield client
    client.close()


def of(index: ServerIndex, client: QdrantClient) -> tuple[list[str], dict[str, str]]:
    """The collections and the aliases that belong to an index."""
    prefix = index.settings.collection
    there = [one.name for one in client.get_collections().collections if one.name.startswith(prefix)]
    aliases = {one.alias_name: one.collection_name for one in client.get_aliases().aliases}
    return sorted(there), {name: to for name, to in aliases.items() if name.startswith(prefix)}


def test_searches_go_by_aliases(make: Make, client: QdrantClient, tmp_path: Path) -> None:
    index = make()
    prefix = server_settings(tmp_path).collection
    there = [f"{prefix}-scenes-0", f"{prefix}-videos-0"]
    aliases = {f"{prefix}-scenes": f"{prefix}-scenes-0", f"{prefix}-videos": f"{prefix}-videos-0"}
    assert of(index, client) == (there, aliases)
    assert (index.names, index.collections()) == (CollectionNames(*aliases), CollectionNames(*there))
    again = make()
    assert of(again, client) == (there, aliases)


def test_settings_reach_the_server(make: Make, client: QdrantClient) -> None:
    index = make(
        shard_number=1,
        replication_factor=3,
        quantization="scalar",
        vectors_on_disk=True,
        payload_on_disk=False,
        hnsw_m=0,
        hnsw_payload_m=24,
    )
    config = client.get_collection(index.names.scenes).config
    params = config.params
    assert (config.hnsw_config.m, config.hnsw_config.payload_m) == (0, 24)
    assert (params.shard_number, params.replication_factor, params.write_consistency_factor) == (1, 3, 2)
    assert params.on_disk_payload is False
    assert isinstance(config.quantization_config, models.ScalarQuantization)
    scalar = config.quantization_config.scalar
    assert (scalar.type, scalar.quantile, scalar.always_ram) == (models.ScalarType.INT8, pytest.approx(0.99), True)
    cosine = models.Distance.COSINE
    assert params.vectors == {
        "transcript": models.VectorParams(size=4, distance=cosine, on_disk=True),
        "visual": models.VectorParams(size=3, distance=cosine, on_disk=True),
        "caption": models.VectorParams(size=4, distance=cosine, on_disk=True),
    }
    assert params.sparse_vectors is not None
    assert params.sparse_vectors["transcript_sparse"].modifier == models.Modifier.IDF
    videos = client.get_collection(index.names.videos).config.params
    assert videos.vectors == {"description": models.VectorParams(size=4, distance=cosine, on_disk=True)}


def test_fields_are_indexed_before_any_point_comes(make: Make, client: QdrantClient) -> None:
    index = make()
    schema = client.get_collection(index.names.scenes).payload_schema
    assert {name: field.data_type.value for name, field in schema.items()} == {
        "workspace": "keyword",
        "scene_id": "keyword",
        "video_id": "keyword",
        "language": "keyword",
        "tags": "keyword",
        "generation": "keyword",
        "start_s": "float",
        "end_s": "float",
        "duration_s": "float",
        "indexed_at": "float",
        "live": "integer",
        "claim_generation": "integer",
    }
    tenant = schema["workspace"].params
    assert isinstance(tenant, models.KeywordIndexParams)
    assert tenant.is_tenant is True
    assert set(client.get_collection(index.names.videos).payload_schema) == {"workspace", "video_id"}


@pytest.mark.parametrize(("quantization", "kind"), [("none", type(None)), ("binary", models.BinaryQuantization)])
def test_quantisation(make: Make, client: QdrantClient, quantization: str, kind: type) -> None:
    index = make(quantization=quantization)
    assert type(client.get_collection(index.names.scenes).config.quantization_config) is kind
    points = [seen(scene(f"v1/{start}"), visual=[1, start, 0]) for start in range(5)]
    write(index, *points)
    assert names(index, LIVE) == ids(*points)


def test_weights_of_a_model_are_not_scaled(make: Make, client: QdrantClient) -> None:
    index = make(spec=replace(SPEC, sparse_idf=False))
    sparse = client.get_collection(index.names.scenes).config.params.sparse_vectors
    assert sparse is not None
    assert sparse["transcript_sparse"].modifier in (None, models.Modifier.NONE)


def test_processes_that_begin_at_once_make_one_index(make: Make, client: QdrantClient) -> None:
    together = threading.Barrier(6)

    def begin(number: int) -> ServerIndex:
        together.wait()
        index = make()
        write(index, scene(f"v{number}/0"))
        return index

    with ThreadPoolExecutor(6) as pool:
        indexes = list(pool.map(begin, range(6)))
    there, aliases = of(indexes[0], client)
    assert (len(there), sorted(aliases.values())) == (2, there)
    for index in indexes:
        assert names(index, LIVE) == ids(*(scene(f"v{number}/0") for number in range(6)))


@pytest.mark.parametrize("left", ["the scenes without fields", "all but the aliases"])
def test_what_a_killed_creation_left_is_gone_on_with(
    make: Make, client: QdrantClient, qdrant: QdrantServer, tmp_path: Path, left: str
) -> None:
    settings = server_settings(tmp_path, patience_s=0)
    connection = ServerConnection(qdrant.url, settings)
    first = CollectionNames(f"{settings.collection}-scenes-0", f"{settings.collection}-videos-0")
    if left == "all but the aliases":
        make_collections(connection, first, SPEC)
    else:
        dense = {
            name: models.VectorParams(size=size, distance=models.Distance.COSINE)
            for name, size in (("transcript", 4), ("visual", 3), ("caption", 4))
        }
        client.create_collection(
            first.scenes,
            dense,
            sparse_vectors_config={"transcript_sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)},
            metadata=client_metadata(),
        )
    connection.close()
    index = make()
    write(index, scene("v1/0"))
    assert names(index, LIVE) == ids(scene("v1/0"))
    assert len(of(index, client)[0]) == 2


def client_metadata(**changes: Any) -> dict[str, Any]:
    return {
        "footage": {
            "layout": LAYOUT,
            "text_model": "text-model",
            "text_dimensions": 4,
            "vision_model": "vision-model",
            "vision_dimensions": 3,
            "sparse_idf": True,
        }
        | changes
    }


def test_a_search_makes_no_index(make: Make, client: QdrantClient, qdrant: QdrantServer, tmp_path: Path) -> None:
    collection = server_settings(tmp_path).collection
    with pytest.raises(StoreError, match=rf"^Nothing is indexed at {qdrant.url} in '{collection}' yet: run "):
        make(create=False)
    assert not [one for one in client.get_collections().collections if one.name.startswith(collection)]


def test_an_index_that_is_removed_while_it_is_open(make: Make, client: QdrantClient) -> None:
    index = make()
    for name in of(index, client)[0]:
        client.delete_collection(name)
    with pytest.raises(StoreError, match=r"^Nothing is indexed at "):
        index.count(ALL)
    with pytest.raises(StoreError, match=r"^Nothing is indexed at "):
        index.upsert([scene("v1/0")])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"text_model": "BAAI/bge-m3"},
            r"text vectors of text-model \(4 dimensions\), not of BAAI/bge-m3 \(4 dimension",
        ),
        (
            {"vision_dimensions": 8},
            r"image vectors of vision-model \(3 dimensions\), not of vision-model \(8 dimension",
        ),
        (
            {"sparse_idf": False},
            "sparse text vectors of weights scaled by rarity, not of weights as the",
        ),
    ],
)
def test_other_models_are_refused(make: Make, changes: dict[str, Any], says: str) -> None:
    write(make(), scene("v1/0"))
    with pytest.raises(IndexMismatch, match=rf"The index at .* holds {says}.* another qdrant\.collection\."):
        make(spec=replace(SPEC, **changes))
    assert make().count(ALL) == 1


@pytest.mark.parametrize(
    ("metadata", "error", "says"),
    [
        ({"footage": None}, StoreError, r"was not made by footage: set qdrant\.collection to another name"),
        (client_metadata(text_dimension=4), StoreError, r"has damaged metadata \(.*text_dimension"),
        (
            client_metadata(layout=LAYOUT + 1),
            IndexMismatch,
            rf"was made by a later footage \(layout {LAYOUT + 1}",
        ),
    ],
)
def test_what_another_made_is_refused(
    make: Make, client: QdrantClient, metadata: dict[str, Any], error: type[Exception], says: str
) -> None:
    index = make()
    client.update_collection(index.collections().scenes, metadata=metadata)
    with pytest.raises(error, match=rf"The index at .*-scenes\) {says}"):
        make()


def test_an_index_that_lost_its_videos_is_refused(make: Make, client: QdrantClient) -> None:
    index = make()
    client.delete_collection(index.collections().videos)
    with pytest.raises(StoreError, match=r"lost its alias .*-videos: restore it, or remove .*-scenes-0 and"):
        make()
    client.delete_collection(f"{index.names.scenes}-0")
