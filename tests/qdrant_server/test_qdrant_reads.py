"""Reads: what the engine answers is what the client gets, and filters let pass what they say."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import qdrant_edge as edge
from qdrant_client import grpc as proto
from qdrant_client.http import models

from tests.qdrant_server.asking import DENSE, client, create, dense, point_id, points, refused, sparse
from tests.qdrant_server.server import QdrantServer

COUNT = 200
FIELDS = {
    "workspace": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
    "start_s": models.PayloadSchemaType.FLOAT,
    "number": models.PayloadSchemaType.INTEGER,
    "live": models.PayloadSchemaType.BOOL,
    "tags": models.PayloadSchemaType.KEYWORD,
}


@pytest.fixture(scope="module")
def filled(qdrant_of_session: QdrantServer) -> QdrantServer:
    """A server whose collection `filled` has points and indexes; nobody writes to it."""
    asked = client(qdrant_of_session)
    create(asked, "filled")
    for field, schema in FIELDS.items():
        asked.create_payload_index("filled", field, schema)
    asked.upsert("filled", points(COUNT))
    return qdrant_of_session


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[edge.EdgeShard]:
    """The same points in the engine, without a server."""
    folder: Path = tmp_path_factory.mktemp("shard")
    config = edge.EdgeConfig(
        vectors={n: edge.EdgeVectorParams(size=size, distance=edge.Distance.Cosine) for n, size in DENSE.items()},
        sparse_vectors={"words": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
    )
    made = edge.EdgeShard.create(str(folder), config)
    made.update(
        edge.UpdateOperation.upsert_points(
            [edge.Point(point.id, _for_engine(point.vector), point.payload) for point in points(COUNT)]
        )
    )
    yield made
    made.close()


def _for_engine(vectors: Any) -> dict[str, Any]:
    return {
        name: edge.SparseVector(vector.indices, vector.values) if isinstance(vector, models.SparseVector) else vector
        for name, vector in vectors.items()
    }


def _named(found: list[Any]) -> list[tuple[str, float]]:
    return [(str(point.id), point.score) for point in found]


def _nearly(found: list[Any]) -> list[Any]:
    # Two shards with the same points number the terms differently, so sparse scores are summed in another order.
    return [(str(point.id), pytest.approx(point.score, rel=1e-5)) for point in found]


def test_searches_answer_as_the_engine_does(filled: QdrantServer, shard: edge.EdgeShard) -> None:
    chance = random.Random(1)
    asked = client(filled)
    for _ in range(10):
        workspace = chance.choice(["home", "work"])
        wire = models.Filter(must=[models.FieldCondition(key="workspace", match=models.MatchValue(value=workspace))])
        engine = edge.Filter(must=[edge.FieldCondition(key="workspace", match=edge.MatchValue(workspace))])
        text, words = dense(chance, DENSE["text"]), sparse(chance)
        answers = asked.query_batch_points(
            "filled",
            [
                models.QueryRequest(query=text, using="text", limit=15, filter=wire),
                models.QueryRequest(query=words, using="words", limit=15, filter=wire),
                models.QueryRequest(query=words, using="words", limit=15),
            ],
        )
        sparse_query = edge.Query.Nearest(edge.SparseVector(words.indices, words.values), using="words")
        expected = [
            shard.query(edge.QueryRequest(limit=15, query=edge.Query.Nearest(text, using="text"), filter=engine)),
            shard.query(edge.QueryRequest(limit=15, query=sparse_query, filter=engine)),
            shard.query(edge.QueryRequest(limit=15, query=sparse_query)),
        ]
        for answer, from_engine in zip(answers, expected, strict=True):
            assert _named(answer.points) == _nearly(from_engine)
        assert all(answer.points for answer in answers)


def test_rarity_is_counted_where_the_query_says(filled: QdrantServer, shard: edge.EdgeShard) -> None:
    words = models.SparseVector(indices=[1, 2, 3], values=[1.0, 1.0, 1.0])
    where = models.Filter(must=[models.FieldCondition(key="workspace", match=models.MatchValue(value="home"))])
    engine = edge.Filter(must=[edge.FieldCondition(key="workspace", match=edge.MatchValue("home"))])
    query = edge.Query.Nearest(edge.SparseVector(words.indices, words.values), using="words")
    given: list[list[tuple[str, float]]] = []
    for idf, params in (
        (models.IdfCorpusParams(corpus=where), edge.SearchParams(idf=edge.IdfParams(corpus=engine))),
        (models.IdfScope.GLOBAL, edge.SearchParams(idf=edge.IdfParams())),
    ):
        found = client(filled).query_points(
            "filled", query=words, using="words", query_filter=where, search_params=models.SearchParams(idf=idf)
        )
        given.append(_named(found.points))
        assert given[-1] == _nearly(shard.query(edge.QueryRequest(limit=10, query=query, filter=engine, params=params)))
    assert [score for _, score in given[0]] != pytest.approx([score for _, score in given[1]], rel=1e-3)


def test_fused_searches_answer_as_the_engine_does(filled: QdrantServer, shard: edge.EdgeShard) -> None:
    chance = random.Random(2)
    text, picture = dense(chance, DENSE["text"]), dense(chance, DENSE["picture"])
    fused = client(filled).query_points(
        "filled",
        prefetch=[
            models.Prefetch(query=text, using="text", limit=20),
            models.Prefetch(query=picture, using="picture", limit=20),
        ],
        query=models.RrfQuery(rrf=models.Rrf(k=60, weights=[1.0, 0.5])),
        limit=40,
    )
    expected = shard.query(
        edge.QueryRequest(
            limit=40,
            prefetches=[
                edge.Prefetch(limit=20, query=edge.Query.Nearest(text, using="text")),
                edge.Prefetch(limit=20, query=edge.Query.Nearest(picture, using="picture")),
            ],
            query=edge.Fusion.Rrf(k=60, weights=[1.0, 0.5]),
        )
    )
    assert dict(_named(fused.points)) == dict(_named(expected))  # equal ranks in two lists tie, in any order
    assert [point.score for point in fused.points] == [point.score for point in expected]


def test_nearest_to_a_point_leaves_the_point_out(filled: QdrantServer) -> None:
    asked = client(filled)
    (point,) = asked.retrieve("filled", [point_id(3)], with_vectors=["text"])
    assert isinstance(point.vector, dict)
    by_vector = asked.query_points("filled", query=point.vector["text"], using="text", limit=6).points
    by_id = asked.query_points("filled", query=point_id(3), using="text", limit=5).points
    assert by_vector[0].id == point_id(3)
    assert _named(by_id) == _named(by_vector[1:])
    with refused(grpc.StatusCode.NOT_FOUND, point_id(10_000)):
        asked.query_points("filled", query=point_id(10_000), using="text")


def _condition(key: str, **kinds: Any) -> models.FieldCondition:
    return models.FieldCondition(key=key, **kinds)


LIVE = _condition("live", match=models.MatchValue(value=True))
HOME = _condition("workspace", match=models.MatchValue(value="home"))
EARLY = _condition("start_s", range=models.Range(lt=20.0))
Payload = dict[str, Any]
FILTERS: list[tuple[models.Filter, Callable[[Payload], bool]]] = [
    (models.Filter(must=[LIVE]), lambda p: p["live"]),
    (models.Filter(must=[_condition("live", match=models.MatchValue(value=False))]), lambda p: not p["live"]),
    (models.Filter(must=[HOME, LIVE, EARLY]), lambda p: p["workspace"] == "home" and p["live"] and p["start_s"] < 20),
    (models.Filter(should=[HOME, EARLY]), lambda p: p["workspace"] == "home" or p["start_s"] < 20),
    (models.Filter(must=[HOME], must_not=[LIVE]), lambda p: p["workspace"] == "home" and not p["live"]),
    (
        models.Filter(must=[_condition("workspace", match=models.MatchAny(any=["home", "away"]))]),
        lambda p: p["workspace"] in ("home", "away"),
    ),
    (
        models.Filter(must=[_condition("workspace", match=models.MatchExcept(**{"except": ["home"]}))]),
        lambda p: p["workspace"] != "home",
    ),
    (models.Filter(must=[_condition("number", match=models.MatchAny(any=[3, 4, 5]))]), lambda p: 3 <= p["number"] <= 5),
    (
        models.Filter(must=[_condition("tags", match=models.MatchValue(value=tag)) for tag in "ab"]),
        lambda p: {"a", "b"} <= set(p["tags"]),
    ),
    (
        models.Filter(must=[_condition("start_s", range=models.Range(gt=10.0, lte=12.5))]),
        lambda p: 10 < p["start_s"] <= 12.5,
    ),
    (
        models.Filter(must=[models.Filter(should=[HOME, LIVE])], must_not=[EARLY]),
        lambda p: (p["workspace"] == "home" or p["live"]) and p["start_s"] >= 20,
    ),
    (
        models.Filter(min_should=models.MinShould(conditions=[HOME, LIVE, EARLY], min_count=2)),
        lambda p: (p["workspace"] == "home") + p["live"] + (p["start_s"] < 20) >= 2,
    ),
    (
        models.Filter(must=[models.HasIdCondition(has_id=[point_id(2), point_id(9)])]),
        lambda p: p["number"] in (2, 9),
    ),
    (models.Filter(must=[models.HasVectorCondition(has_vector="picture")]), lambda p: p["number"] % 7 > 0),
    (models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="nothing"))]), lambda p: True),
    (models.Filter(must=[models.IsNullCondition(is_null=models.PayloadField(key="nested.none"))]), lambda p: True),
    (models.Filter(must=[_condition("tags", values_count=models.ValuesCount(gte=3))]), lambda p: False),
    (models.Filter(must=[_condition("tags", is_empty=True)]), lambda p: False),
    (models.Filter(), lambda p: True),
]


@pytest.mark.parametrize(("where", "counts"), FILTERS, ids=range(len(FILTERS)))
def test_a_filter_lets_pass_what_it_says(
    filled: QdrantServer, where: models.Filter, counts: Callable[[Payload], bool]
) -> None:
    asked = client(filled)
    expected = {str(point.id) for point in points(COUNT) if counts(point.payload or {})}
    found, following = asked.scroll("filled", scroll_filter=where, limit=COUNT)
    assert ({point.id for point in found}, following) == (expected, None)
    assert asked.count("filled", count_filter=where).count == len(expected)
    queried = asked.query_points("filled", query=[1.0] * 6, using="text", query_filter=where, limit=COUNT)
    assert {point.id for point in queried.points} == expected


def test_filters_that_are_not_known_are_refused(filled: QdrantServer) -> None:
    asked = client(filled)
    near = models.GeoRadius(center=models.GeoPoint(lon=1, lat=1), radius=5)
    for condition in (
        _condition("place", geo_radius=near),
        models.SliceCondition(slice=models.Slice(total=2, index=0)),
    ):
        with refused(grpc.StatusCode.UNIMPLEMENTED):
            asked.count("filled", count_filter=models.Filter(must=[condition]))
    nothing_asked = proto.Filter(must=[proto.Condition(field=proto.FieldCondition(key="live"))])
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "condition"):
        asked.count("filled", count_filter=nothing_asked)
    with refused(grpc.StatusCode.UNIMPLEMENTED, "recommend"):
        recommended = models.RecommendQuery(recommend=models.RecommendInput(positive=[point_id(1)]))
        asked.query_points("filled", query=recommended, using="text")


def test_pages_give_every_point_once_in_order(filled: QdrantServer) -> None:
    asked = client(filled)
    seen: list[Any] = []
    offset: Any = None
    while True:
        page, offset = asked.scroll("filled", limit=33, offset=offset, with_payload=["number"])
        seen += [(point.id, point.payload) for point in page]
        assert len(page) == 33 or offset is None
        if offset is None:
            break
    assert seen == [(point_id(number), {"number": number}) for number in range(1, COUNT + 1)]


def test_values_of_a_field_are_counted(filled: QdrantServer) -> None:
    asked = client(filled)
    for field in ("workspace", "live", "number"):
        hits = asked.facet("filled", field, limit=COUNT, exact=True).hits
        values = [(point.payload or {})[field] for point in points(COUNT)]
        assert {hit.value: hit.count for hit in hits} == {value: values.count(value) for value in set(values)}
    tags = asked.facet("filled", "tags", facet_filter=models.Filter(must=[HOME]), exact=True).hits
    held = [tag for p in points(COUNT) if p.payload and p.payload["workspace"] == "home" for tag in p.payload["tags"]]
    assert {hit.value: hit.count for hit in tags} == {tag: held.count(tag) for tag in "abcd"}
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "index"):
        asked.facet("filled", "nested.list")


def test_payload_indexes_are_given_back(filled: QdrantServer) -> None:
    schema = client(filled).get_collection("filled").payload_schema
    assert schema == {
        "workspace": models.PayloadIndexInfo(
            data_type=models.PayloadSchemaType.KEYWORD, params=FIELDS["workspace"], points=COUNT
        ),
        "start_s": models.PayloadIndexInfo(data_type=models.PayloadSchemaType.FLOAT, points=COUNT),
        "number": models.PayloadIndexInfo(data_type=models.PayloadSchemaType.INTEGER, points=COUNT),
        "live": models.PayloadIndexInfo(data_type=models.PayloadSchemaType.BOOL, points=COUNT),
        "tags": models.PayloadIndexInfo(data_type=models.PayloadSchemaType.KEYWORD, points=COUNT),
    }
