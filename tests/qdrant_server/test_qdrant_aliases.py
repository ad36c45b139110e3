"""Aliases: they stand for collections, and change in one step."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from qdrant_client.http import models

from tests.qdrant_server.asking import client, create, points, refused
from tests.qdrant_server.server import QdrantServer


def _make(alias: str, collection: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))


def _rename(old: str, new: str) -> models.RenameAliasOperation:
    return models.RenameAliasOperation(rename_alias=models.RenameAlias(old_alias_name=old, new_alias_name=new))


def _drop(alias: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


@pytest.fixture
def two(tmp_path: Path) -> Iterator[QdrantServer]:
    """A server with the collections `old` (3 points) and `new` (5), and no aliases."""
    with QdrantServer(tmp_path) as server:
        asked = client(server)
        for name, count in (("old", 3), ("new", 5)):
            create(asked, name)
            asked.upsert(name, points(count))
        yield server


def _aliases(server: QdrantServer) -> dict[str, str]:
    return {each.alias_name: each.collection_name for each in client(server).get_aliases().aliases}


def test_an_alias_stands_for_its_collection_in_every_call(two: QdrantServer) -> None:
    asked = client(two)
    asked.update_collection_aliases([_make("now", "old")])
    where = models.Filter(must=[models.FieldCondition(key="workspace", match=models.MatchValue(value="nowhere"))])
    asked.create_payload_index("now", "workspace", models.PayloadSchemaType.KEYWORD)
    assert asked.get_collection("now").points_count == 3
    assert asked.collection_exists("now")
    assert asked.count("now").count == len(asked.scroll("now")[0]) == 3
    assert len(asked.retrieve("now", [points(1)[0].id])) == 1
    assert len(asked.query_points("now", query=[1.0] * 6, using="text").points) == 3
    asked.set_payload("now", {"workspace": "nowhere"}, points=[points(1)[0].id])
    assert asked.facet("now", "workspace", facet_filter=where).hits[0].count == 1
    asked.delete("now", models.FilterSelector(filter=where))
    asked.delete_payload_index("now", "workspace")
    assert asked.count("old").count == 2
    assert not asked.delete_collection("now")  # an alias is no collection
    assert asked.count("old").count == 2


def test_aliases_are_listed_of_all_and_of_one_collection(two: QdrantServer) -> None:
    asked = client(two)
    asked.update_collection_aliases([_make("a", "old"), _make("b", "old"), _make("c", "new")])
    assert _aliases(two) == {"a": "old", "b": "old", "c": "new"}
    assert {each.alias_name for each in asked.get_collection_aliases("old").aliases} == {"a", "b"}


def test_an_alias_moves_in_one_step(two: QdrantServer) -> None:
    asked = client(two)
    asked.update_collection_aliases([_make("now", "old")])
    asked.update_collection_aliases([_drop("now"), _make("now", "new"), _make("before", "old")])
    assert _aliases(two) == {"now": "new", "before": "old"}
    asked.update_collection_aliases([_make("now", "old")])  # over the one that there is
    asked.update_collection_aliases([_rename("before", "past")])
    assert _aliases(two) == {"now": "old", "past": "old"}


def test_actions_on_aliases_count_all_or_none(two: QdrantServer) -> None:
    asked = client(two)
    asked.update_collection_aliases([_make("now", "old")])
    for code, last in (
        (grpc.StatusCode.NOT_FOUND, _make("more", "nowhere")),
        (grpc.StatusCode.NOT_FOUND, _rename("nowhere", "more")),
        (grpc.StatusCode.ALREADY_EXISTS, _make("new", "old")),
    ):
        with refused(code):
            asked.update_collection_aliases([_drop("now"), _make("other", "new"), last])
        assert _aliases(two) == {"now": "old"}
    asked.update_collection_aliases([_drop("never was")])


def test_names_are_of_a_collection_or_of_an_alias(two: QdrantServer) -> None:
    asked = client(two)
    asked.update_collection_aliases([_make("now", "old")])
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "Alias with the same name already exists"):
        create(asked, "now")
    asked.delete_collection("old")
    assert _aliases(two) == {}
