"""Queries from the wire to the engine."""

from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as proto

from tests.qdrant_server.collection import Collection
from tests.qdrant_server.errors import missing, only, unknown, wrong
from tests.qdrant_server.filters import filter_of, from_filter
from tests.qdrant_server.payloads import payload_selector
from tests.qdrant_server.vectors import checked, from_point_id, from_vector, vectors_selector

DEFAULT_LIMIT = 10
RRF_K = 2  # Qdrant's default


def from_query(message: proto.QueryPoints, collection: Collection) -> edge.QueryRequest:
    """A query as the engine takes it. One node holds all, so how many replicas must agree does not matter."""
    only(
        message, "collection_name", "prefetch", "query", "using", "filter", "params", "score_threshold", "limit",
        "offset", "with_vectors", "with_payload", "read_consistency", "timeout",
    )  # fmt: skip
    query, where = _scoring(message, collection)
    return edge.QueryRequest(
        limit=_limit(message),
        offset=message.offset,
        query=query,
        prefetches=[_prefetch(inner, collection) for inner in message.prefetch],
        filter=where,
        score_threshold=message.score_threshold if message.HasField("score_threshold") else None,
        params=_params(message),
        with_payload=payload_selector(message.with_payload, default=False),
        with_vector=vectors_selector(message.with_vectors, collection.kinds),
    )


def _prefetch(message: proto.PrefetchQuery, collection: Collection) -> edge.Prefetch:
    only(message, "prefetch", "query", "using", "filter", "params", "score_threshold", "limit")
    query, where = _scoring(message, collection)
    return edge.Prefetch(
        limit=_limit(message),
        query=query,
        prefetches=[_prefetch(inner, collection) for inner in message.prefetch],
        filter=where,
        score_threshold=message.score_threshold if message.HasField("score_threshold") else None,
        params=_params(message),
    )


def _limit(message: Any) -> int:
    if not message.HasField("limit"):
        return DEFAULT_LIMIT
    if message.limit < 1:
        raise wrong("limit: value 0 invalid, must be 1 or larger")
    return int(message.limit)


def _scoring(message: Any, collection: Collection) -> tuple[Any, edge.Filter | None]:
    """What ranks the points, None for their ids' order; and the filter, narrowed if need be."""
    where = filter_of(message)
    kind = message.query.WhichOneof("variant") if message.HasField("query") else None
    if not message.prefetch and kind in ("fusion", "rrf"):
        raise wrong("cannot apply Fusion without prefetches")
    match kind:
        case None:
            return None, where
        case "nearest":
            return _nearest(message.query.nearest, message.using, where, collection)
        case "fusion":
            return edge.Fusion.Dbsf() if message.query.fusion == proto.Fusion.DBSF else edge.Fusion.Rrf(k=RRF_K), where
        case "rrf":
            rrf = message.query.rrf
            return edge.Fusion.Rrf(k=rrf.k if rrf.HasField("k") else RRF_K, weights=list(rrf.weights) or None), where
        case "order_by":
            return from_order(message.query.order_by), where
        case "sample":
            return edge.Sample.Random, where
        case other:
            raise unknown(f"the query {other}")


def _nearest(
    message: proto.VectorInput, using: str, where: edge.Filter | None, collection: Collection
) -> tuple[Any, edge.Filter | None]:
    if message.WhichOneof("variant") != "id":
        return edge.Query.Nearest(checked(using, from_vector(message), collection.kinds), using=using), where
    # Nearest to a point is nearest to its vector, and the point itself does not count.
    point_id = from_point_id(message.id)
    if using not in collection.kinds:
        raise wrong(f"Not existing vector name error: {using}")
    points: Any = collection.shard.retrieve([point_id], False, [using])
    if not points or using not in points[0].vector:
        raise missing(f"No point with id {point_id} found")
    others = edge.Filter(must=[where] if where else None, must_not=[edge.HasIdCondition({point_id})])
    return edge.Query.Nearest(points[0].vector[using], using=using), others


def from_order(message: proto.OrderBy) -> edge.OrderBy:
    """An order by a payload field."""
    only(message, "key", "direction")
    descending = message.HasField("direction") and message.direction == proto.Direction.Desc
    return edge.OrderBy(message.key, direction=edge.Direction.Desc if descending else edge.Direction.Asc)


def _params(message: Any) -> edge.SearchParams | None:
    if not message.HasField("params"):
        return None
    params = message.params
    only(params, "hnsw_ef", "exact", "quantization", "indexed_only", "acorn", "idf")
    quantization, acorn, idf = params.quantization, params.acorn, params.idf
    return edge.SearchParams(
        hnsw_ef=params.hnsw_ef if params.HasField("hnsw_ef") else None,
        exact=params.exact,
        quantization=edge.QuantizationSearchParams(
            ignore=quantization.ignore,
            rescore=quantization.rescore if quantization.HasField("rescore") else None,
            oversampling=quantization.oversampling if quantization.HasField("oversampling") else None,
        )
        if params.HasField("quantization")
        else None,
        indexed_only=params.indexed_only,
        acorn=edge.AcornSearchParams(
            enable=acorn.enable,
            max_selectivity=acorn.max_selectivity if acorn.HasField("max_selectivity") else None,
        )
        if params.HasField("acorn")
        else None,
        idf=edge.IdfParams(corpus=from_filter(idf.corpus) if idf.HasField("corpus") else None)
        if params.HasField("idf")
        else None,
    )
