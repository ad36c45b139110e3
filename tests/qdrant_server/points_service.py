"""Qdrant's service `Points`: what is not defined here answers UNIMPLEMENTED."""

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as proto

from tests.qdrant_server.answers import facet_value, retrieved, scored
from tests.qdrant_server.collection import Collection
from tests.qdrant_server.errors import answering, engine_errors, only, wrong
from tests.qdrant_server.field_indexes import from_index
from tests.qdrant_server.filters import filter_of, from_filter
from tests.qdrant_server.payloads import from_values, payload_selector
from tests.qdrant_server.queries import DEFAULT_LIMIT, from_order, from_query
from tests.qdrant_server.storage import Storage
from tests.qdrant_server.vectors import from_point_id, from_vectors, to_point_id, vectors_selector

_WRITE = ("collection_name", "wait", "ordering", "timeout")  # one node: any ordering is kept
_READ = ("collection_name", "read_consistency", "timeout")
_MODES = {
    proto.UpdateMode.Upsert: edge.UpdateMode.Upsert,
    proto.UpdateMode.InsertOnly: edge.UpdateMode.InsertOnly,
    proto.UpdateMode.UpdateOnly: edge.UpdateMode.UpdateOnly,
}


class PointsService(proto.PointsServicer):
    """Points of the collections of a folder, each named by its own name or an alias."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @answering
    def Upsert(self, request: proto.UpsertPoints) -> Any:  # noqa: N802 - the methods' names are the protocol's
        only(request, *_WRITE, "points", "update_filter", "update_mode")
        collection = self._storage.collection(request.collection_name)
        points = [
            edge.Point(
                from_point_id(point.id), from_vectors(point.vectors, collection.kinds), from_values(point.payload)
            )
            for point in request.points
        ]
        condition = from_filter(request.update_filter) if request.HasField("update_filter") else None
        return _written(
            request,
            collection.update(
                edge.UpdateOperation.upsert_points(points, condition=condition, update_mode=_MODES[request.update_mode])
            ),
        )

    @answering
    def Delete(self, request: proto.DeletePoints) -> Any:  # noqa: N802
        only(request, *_WRITE, "points")
        operation = _selected(
            request.points, edge.UpdateOperation.delete_points, edge.UpdateOperation.delete_points_by_filter
        )
        return _written(request, self._storage.collection(request.collection_name).update(operation))

    @answering
    def SetPayload(self, request: proto.SetPayloadPoints) -> Any:  # noqa: N802
        only(request, *_WRITE, "payload", "points_selector", "key")
        payload = from_values(request.payload)
        key = request.key if request.HasField("key") else None
        operation = _selected(
            request.points_selector,
            lambda ids: edge.UpdateOperation.set_payload(ids, payload, key),
            lambda where: edge.UpdateOperation.set_payload_by_filter(where, payload, key),
        )
        return _written(request, self._storage.collection(request.collection_name).update(operation))

    @answering
    def Get(self, request: proto.GetPoints) -> Any:  # noqa: N802
        only(request, *_READ, "ids", "with_payload", "with_vectors")
        collection = self._storage.collection(request.collection_name)
        ids = [from_point_id(point_id) for point_id in request.ids]
        with engine_errors():
            records = collection.shard.retrieve(
                ids,
                payload_selector(request.with_payload, default=True),
                vectors_selector(request.with_vectors, collection.kinds),
            )
        return proto.GetResponse(result=[retrieved(record) for record in records])

    @answering
    def Scroll(self, request: proto.ScrollPoints) -> Any:  # noqa: N802
        only(request, *_READ, "filter", "offset", "limit", "with_payload", "with_vectors", "order_by")
        collection = self._storage.collection(request.collection_name)
        if request.HasField("limit") and request.limit < 1:
            raise wrong("limit: value 0 invalid, must be 1 or larger")
        if request.HasField("order_by") and request.HasField("offset"):
            raise wrong("Cannot use an `offset` when using `order_by`")
        scroll = edge.ScrollRequest(
            offset=from_point_id(request.offset) if request.HasField("offset") else None,
            limit=request.limit if request.HasField("limit") else DEFAULT_LIMIT,
            filter=filter_of(request),
            with_payload=payload_selector(request.with_payload, default=True),
            with_vector=vectors_selector(request.with_vectors, collection.kinds),
            order_by=from_order(request.order_by) if request.HasField("order_by") else None,
        )
        with engine_errors():
            records, following = collection.shard.scroll(scroll)
        return proto.ScrollResponse(
            result=[retrieved(record) for record in records],
            next_page_offset=None if following is None else to_point_id(following),
        )

    @answering
    def Count(self, request: proto.CountPoints) -> Any:  # noqa: N802
        only(request, *_READ, "filter", "exact")
        exact = request.exact if request.HasField("exact") else True
        collection = self._storage.collection(request.collection_name)
        with engine_errors():
            count = collection.shard.count(edge.CountRequest(exact=exact, filter=filter_of(request)))
        return proto.CountResponse(result=proto.CountResult(count=count))

    @answering
    def Query(self, request: proto.QueryPoints) -> Any:  # noqa: N802
        (result,) = self._queried(self._storage.collection(request.collection_name), [request])
        return proto.QueryResponse(result=result)

    @answering
    def QueryBatch(self, request: proto.QueryBatchPoints) -> Any:  # noqa: N802
        only(request, *_READ, "query_points")
        collection = self._storage.collection(request.collection_name)
        results = self._queried(collection, list(request.query_points))
        return proto.QueryBatchResponse(result=[proto.BatchResult(result=result) for result in results])

    @answering
    def CreateFieldIndex(self, request: proto.CreateFieldIndexCollection) -> Any:  # noqa: N802
        only(request, *_WRITE, "field_name", "field_type", "field_index_params")
        collection = self._storage.collection(request.collection_name)
        done = collection.update(edge.UpdateOperation.create_field_index(request.field_name, from_index(request)))
        params = request.field_index_params if request.HasField("field_index_params") else None
        self._storage.note_index(collection, request.field_name, params)
        return _written(request, done)

    @answering
    def DeleteFieldIndex(self, request: proto.DeleteFieldIndexCollection) -> Any:  # noqa: N802
        only(request, *_WRITE, "field_name")
        collection = self._storage.collection(request.collection_name)
        done = collection.update(edge.UpdateOperation.delete_field_index(request.field_name))
        self._storage.note_index(collection, request.field_name, None)
        return _written(request, done)

    @answering
    def Facet(self, request: proto.FacetCounts) -> Any:  # noqa: N802
        only(request, *_READ, "key", "filter", "limit", "exact")
        limit = request.limit if request.HasField("limit") else DEFAULT_LIMIT
        facet = edge.FacetRequest(key=request.key, limit=limit, exact=request.exact, filter=filter_of(request))
        with engine_errors():
            hits = self._storage.collection(request.collection_name).shard.facet(facet).hits
        return proto.FacetResponse(hits=[proto.FacetHit(value=facet_value(hit.value), count=hit.count) for hit in hits])

    def _queried(self, collection: Collection, queries: list[proto.QueryPoints]) -> list[list[proto.ScoredPoint]]:
        with engine_errors():
            asked = [from_query(query, collection) for query in queries]
            answers = collection.shard.query_batch(edge.QueryBatchRequest(asked))
        return [[scored(point) for point in answer] for answer in answers]


def _selected(selector: proto.PointsSelector, by_ids: Callable[..., Any], by_filter: Callable[..., Any]) -> Any:
    match selector.WhichOneof("points_selector_one_of"):
        case "points":
            return by_ids([from_point_id(point_id) for point_id in selector.points.ids])
        case "filter":
            return by_filter(from_filter(selector.filter))
    raise wrong("points_selector is expected")


def _written(request: Any, operation_id: int) -> proto.PointsOperationResponse:
    """Everything is applied at once; who does not wait is told no more than a server would tell."""
    status = proto.UpdateStatus.Completed if request.wait else proto.UpdateStatus.Acknowledged
    return proto.PointsOperationResponse(result=proto.UpdateResult(operation_id=operation_id, status=status))
