import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import models

from footage.errors import StoreError
from footage.index_records import StoredPoint
from footage.server_collections import CollectionNames
from footage.server_index import ServerIndex
from footage.server_swap import drop_old, new_generation, swap_aliases, unused_generations
from tests.points import (
    ALL,
    LIVE,
    SPEC,
    as_described,
    described,
    drop_collections,
    ids,
    names,
    scene,
    server_settings,
    video,
    write,
)
from tests.qdrant_server.server import QdrantServer


@pytest.fixture
def index(qdrant: QdrantServer, tmp_path: Path) -> Iterator[ServerIndex]:
    with ServerIndex(qdrant.url, SPEC, server_settings(tmp_path)) as index:
        yield index
        drop_collections(index)


def test_other_collections_take_the_place_of_an_index(index: ServerIndex, qdrant: QdrantServer) -> None:
    write(index, scene("v1/0"))
    index.put_descriptions([video("v1", [1, 0, 0, 0])])
    first = index.collections()

    target = new_generation(index, index.settings.model_copy(update={"hnsw_m": 32}))
    suffix = r"-\d{8}T\d{6}-[0-9a-f]{4}"
    assert re.fullmatch(re.escape(index.names.scenes) + suffix, target.names.scenes)
    assert target.collections() == target.names
    assert unused_generations(index) == sorted([target.names.scenes, target.names.videos])
    target.restore([StoredPoint(scene("v1/0"), live=True), StoredPoint(scene("v2/0"), live=True)])
    target.put_descriptions([video("v2", [1, 0, 0, 0])])
    assert (names(index, LIVE), names(target, LIVE)) == (ids(scene("v1/0")), ids(scene("v1/0"), scene("v2/0")))

    assert swap_aliases(index, target) == first
    assert qdrant.faults.calls["Collections/UpdateAliases"] == 2  # the one that made them, and one for both
    assert index.collections() == target.names
    assert names(index, LIVE) == ids(scene("v1/0"), scene("v2/0"))
    assert described(index) == as_described(video("v2", [1, 0, 0, 0]))
    config = index.connection.call(lambda client: client.get_collection(index.names.scenes)).config
    assert config.hnsw_config.m == 32

    assert unused_generations(index) == [first.scenes, first.videos]
    for _ in range(2):
        drop_old(index, first)
        assert unused_generations(index) == []
    again = ServerIndex(index.url, SPEC, index.settings, create=False)
    assert again.count(ALL) == 2
    again.close()
    target.close()


def test_a_generation_can_be_given_up(index: ServerIndex) -> None:
    write(index, scene("v1/0"))
    target = new_generation(index)
    drop_old(index, target.names)
    assert (unused_generations(index), index.count(LIVE)) == ([], 1)
    with pytest.raises(StoreError, match=r"^Nothing is indexed at "):
        target.count(ALL)
    target.close()


def test_what_is_in_use_is_not_dropped(index: ServerIndex) -> None:
    used = index.collections()
    with pytest.raises(StoreError, match=rf"The collection {used.scenes} at {index.url} is in use"):
        drop_old(index, used)
    with pytest.raises(StoreError, match=rf"The collection {used.videos} at {index.url} is in use"):
        drop_old(index, CollectionNames("nothing", used.videos))
    assert index.count(ALL) == 0


def test_collections_of_others_are_not_among_the_unused(index: ServerIndex) -> None:
    others = [f"{index.names.scenes}-mine", f"x{index.names.scenes}-0", f"{index.names.scenes}-0-copy"]
    vectors = {"mine": models.VectorParams(size=2, distance=models.Distance.DOT)}
    for name in others:
        index.connection.call(lambda client, name=name: client.create_collection(name, vectors))
    assert unused_generations(index) == []
    for name in others:
        index.connection.call(lambda client, name=name: client.delete_collection(name))
