"""Points from the engine to the wire."""

from typing import Any

from qdrant_client import grpc as proto

from tests.qdrant_server.payloads import to_values
from tests.qdrant_server.vectors import to_point_id, to_vectors


def retrieved(record: Any) -> proto.RetrievedPoint:
    """A point as it is stored."""
    return proto.RetrievedPoint(
        id=to_point_id(record.id),
        payload=to_values(record.payload),
        vectors=to_vectors(record.vector),
        order_value=_order_value(record.order_value),
    )


def scored(point: Any) -> proto.ScoredPoint:
    """A point that was found."""
    return proto.ScoredPoint(
        id=to_point_id(point.id),
        payload=to_values(point.payload),
        score=point.score,
        version=point.version,
        vectors=to_vectors(point.vector),
        order_value=_order_value(point.order_value),
    )


def _order_value(value: float | None) -> proto.OrderValue | None:
    if value is None:
        return None
    return proto.OrderValue(int=value) if isinstance(value, int) else proto.OrderValue(float=value)


def facet_value(value: str | int | bool) -> proto.FacetValue:
    """A value of a field."""
    match value:
        case bool():
            return proto.FacetValue(bool_value=value)
        case int():
            return proto.FacetValue(integer_value=value)
    return proto.FacetValue(string_value=value)
