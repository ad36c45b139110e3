"""Filters from the wire to the engine."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import qdrant_edge as edge
from google.protobuf.message import Message
from qdrant_client import grpc as proto

from tests.qdrant_server.errors import only, unknown, wrong
from tests.qdrant_server.vectors import from_point_id


def from_filter(message: proto.Filter) -> edge.Filter:
    """A filter as the engine takes it; an empty one lets everything pass."""
    least = message.min_should if message.HasField("min_should") else None
    return edge.Filter(
        must=_conditions(message.must),
        should=_conditions(message.should),
        must_not=_conditions(message.must_not),
        min_should=None if least is None else edge.MinShould(_conditions(least.conditions) or [], least.min_count),
    )


def filter_of(message: Any) -> edge.Filter | None:
    """The field `filter` of a request, if it is set."""
    return from_filter(message.filter) if message.HasField("filter") else None


def _conditions(messages: Iterable[proto.Condition]) -> list[Any] | None:
    return [_condition(message) for message in messages] or None


def _condition(message: proto.Condition) -> Any:
    match message.WhichOneof("condition_one_of"):
        case "field":
            return _field(message.field)
        case "is_empty":
            return edge.IsEmptyCondition(message.is_empty.key)
        case "is_null":
            return edge.IsNullCondition(message.is_null.key)
        case "has_id":
            return edge.HasIdCondition({from_point_id(point_id) for point_id in message.has_id.has_id})
        case "has_vector":
            return edge.HasVectorCondition(message.has_vector.has_vector)
        case "nested":
            return edge.NestedCondition(message.nested.key, from_filter(message.nested.filter))
        case "filter":
            return from_filter(message.filter)
        case None:
            raise wrong("malformed condition")
        case other:
            raise unknown(f"the condition {other}")


def _field(message: proto.FieldCondition) -> edge.FieldCondition:
    only(message, "key", "match", "range", "datetime_range", "values_count", "is_empty", "is_null")
    if not message.key or len(message.ListFields()) < 2:
        raise wrong("a field condition needs a key and at least one condition")
    if message.HasField("range") and message.HasField("datetime_range"):
        raise unknown("a field condition with two ranges")
    ranged: Any = None
    if message.HasField("range"):
        ranged = edge.RangeFloat(**_bounds(message.range))
    elif message.HasField("datetime_range"):
        ranged = edge.RangeDateTime(**{key: at.ToJsonString() for key, at in _bounds(message.datetime_range).items()})
    return edge.FieldCondition(
        key=message.key,
        match=_match(message.match) if message.HasField("match") else None,
        range=ranged,
        values_count=edge.ValuesCount(**_bounds(message.values_count)) if message.HasField("values_count") else None,
        is_empty=message.is_empty if message.HasField("is_empty") else None,
        is_null=message.is_null if message.HasField("is_null") else None,
    )


def _bounds(message: Message) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


def _match(message: proto.Match) -> Any:
    kind = message.WhichOneof("match_value")
    value: Any = getattr(message, kind) if kind else None
    match kind:
        case "keyword" | "integer":
            return edge.MatchValue(value)
        case "boolean":
            # qdrant-edge-py 0.9.0 takes Python's True for the number 1, and numpy's for what it is.
            return edge.MatchValue(np.bool_(value))
        case "keywords":
            return edge.MatchAny(list(message.keywords.strings))
        case "integers":
            return edge.MatchAny(list(message.integers.integers))
        case "except_keywords":
            return edge.MatchExcept(list(message.except_keywords.strings))
        case "except_integers":
            return edge.MatchExcept(list(message.except_integers.integers))
        case "text":
            return edge.MatchText(value)
        case "text_any":
            return edge.MatchTextAny(value)
        case "phrase":
            return edge.MatchPhrase(value)
        case "prefix":
            return edge.MatchPrefix(value)
        case "substring":
            return edge.MatchSubstring(value)
    raise wrong("malformed match")
