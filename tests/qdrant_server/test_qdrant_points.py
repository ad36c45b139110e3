"""Points: what is written is given back, and what does not fit is refused."""

import math
from typing import Any

import grpc
from qdrant_client.http import models

from tests.qdrant_server.asking import client, create, point_id, points, refused
from tests.qdrant_server.server import QdrantServer

LIVE = models.FieldCondition(key="live", match=models.MatchValue(value=True))
EARLY = models.FieldCondition(key="start_s", range=models.Range(lt=20.0))


def test_a_point_is_given_back_as_it_was_written(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    asked.create_collection(
        "exact",
        vectors_config={
            "one": models.VectorParams(size=3, distance=models.Distance.DOT),
            "many": models.VectorParams(
                size=2,
                distance=models.Distance.DOT,
                multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={"words": models.SparseVectorParams()},
    )
    vectors: dict[str, Any] = {
        "one": [0.5, -1.0, 2.0],
        "many": [[1.0, 0.0], [0.25, 0.5]],
        "words": models.SparseVector(indices=[1, 4_000_000_000], values=[0.5, 1.5]),
    }
    payload = points(1)[0].payload
    asked.upsert("exact", [models.PointStruct(id=5, vector=vectors, payload=payload)])
    asked.upsert("exact", [models.PointStruct(id=point_id(1), vector={}, payload={})])
    both = asked.retrieve("exact", [5, point_id(1), 77], with_vectors=True)
    assert [(point.id, point.vector, point.payload) for point in both] == [
        (5, vectors, payload),
        (point_id(1), {}, {}),
    ]
    (some,) = asked.retrieve("exact", [5], with_vectors=["one"], with_payload=["live", "nested.list"])
    assert (some.vector, some.payload) == ({"one": [0.5, -1.0, 2.0]}, {"live": False, "nested": {"list": [1, 2.5, "x", {"deep": True}]}})  # fmt: skip  # noqa: E501
    (less,) = asked.retrieve("exact", [5], with_payload=models.PayloadSelectorExclude(exclude=["nested"]))
    assert payload is not None
    assert less.payload == {name: value for name, value in payload.items() if name != "nested"}
    (none,) = asked.retrieve("exact", [5], with_payload=False)
    assert (none.vector, none.payload) == (None, {})


def test_a_collection_of_one_vector_without_a_name(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    asked.create_collection("unnamed", vectors_config=models.VectorParams(size=2, distance=models.Distance.EUCLID))
    asked.upsert("unnamed", [models.PointStruct(id=n, vector=[float(n), 0.0], payload={}) for n in range(4)])
    found = asked.query_points("unnamed", query=[2.2, 0.0], limit=2, with_vectors=True).points
    assert [(point.id, point.vector) for point in found] == [(2, [2.0, 0.0]), (3, [3.0, 0.0])]


def test_vectors_that_do_not_fit_are_refused_and_nothing_is_written(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "fitting")
    fine = points(1)[0]
    for vectors, words in (
        ({"text": [1.0] * 5}, "expected dim: 6, got 5"),
        ({"sound": [1.0] * 6}, "Not existing vector name error: sound"),
        ({"words": [1.0] * 6}, "sparse"),
        ({"text": models.SparseVector(indices=[1], values=[1.0])}, "sparse"),
        ({"text": [[1.0] * 6]}, "multi"),
        ({"words": models.SparseVector(indices=[1, 1], values=[1.0, 2.0])}, "unique"),
        ([1.0] * 6, "Not existing vector name error"),
    ):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, words):
            asked.upsert("fitting", [fine, models.PointStruct(id=2, vector=vectors, payload={})])
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "UUID"):
        asked.upsert("fitting", [models.PointStruct(id="no uuid", vector={}, payload={})])
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "JSON"):
        asked.upsert("fitting", [fine, models.PointStruct(id=2, vector={}, payload={"list": [math.inf]})])
    for query, using in (([1.0] * 4, "text"), ([1.0] * 6, "sound"), ([1.0] * 6, "words")):
        with refused(grpc.StatusCode.INVALID_ARGUMENT):
            asked.query_points("fitting", query=query, using=using)
    assert asked.count("fitting").count == 0


def test_an_upsert_may_be_for_new_points_or_for_known_ones_only(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "modes")

    def upsert(first: int, value: str, **more: Any) -> None:
        chosen = [models.PointStruct(id=number, vector={}, payload={"v": value}) for number in (first, first + 1)]
        asked.upsert("modes", chosen, **more)

    def values() -> dict[Any, Any]:
        return {point.id: (point.payload or {})["v"] for point in asked.scroll("modes")[0]}

    upsert(1, "a")
    upsert(2, "b", update_mode=models.UpdateMode.INSERT_ONLY)
    assert values() == {1: "a", 2: "a", 3: "b"}
    upsert(3, "c", update_mode=models.UpdateMode.UPDATE_ONLY)
    assert values() == {1: "a", 2: "a", 3: "c"}
    only_c = models.Filter(must=[models.FieldCondition(key="v", match=models.MatchValue(value="c"))])
    upsert(2, "d", update_filter=only_c)
    assert values() == {1: "a", 2: "a", 3: "d"}


def test_payload_is_set_by_ids_and_by_filter(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "set")
    asked.upsert("set", points(20))
    asked.set_payload("set", {"live": True, "by": "ids"}, points=[point_id(1), point_id(3)])
    asked.set_payload("set", {"by": "filter"}, points=models.Filter(must=[EARLY, LIVE]))
    found = asked.scroll("set", limit=20)[0]
    expected = {1: "filter", 3: "filter"} | dict.fromkeys(range(2, 21, 2), "filter")
    assert {p.payload["number"]: p.payload["by"] for p in found if p.payload and "by" in p.payload} == expected
    with refused(grpc.StatusCode.NOT_FOUND, "No point with id 99 found"):
        asked.set_payload("set", {"by": "nobody"}, points=[99])


def test_points_are_deleted_by_ids_and_by_filter(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "less")
    asked.upsert("less", points(20))
    asked.delete("less", [point_id(1), point_id(500)])
    asked.delete("less", models.FilterSelector(filter=models.Filter(must=[LIVE])))
    left = {point.id for point in asked.scroll("less", limit=20)[0]}
    assert left == {point_id(number) for number in range(3, 21, 2)}


def test_writes_say_whether_they_are_done(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "said")
    assert asked.upsert("said", points(1), wait=True).status is models.UpdateStatus.COMPLETED
    assert asked.upsert("said", points(1), wait=False).status is models.UpdateStatus.ACKNOWLEDGED
