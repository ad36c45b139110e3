"""JSON as Qdrant sends it: its own `Value`, which unlike Google's knows integers."""

import math
from collections.abc import Mapping
from typing import Any

from qdrant_client.grpc import ListValue, NullValue, Struct, Value, WithPayloadSelector
from qdrant_edge import PayloadSelector

from tests.qdrant_server.errors import wrong


def from_values(fields: Mapping[str, Value]) -> dict[str, Any]:
    """A payload as the engine takes it."""
    return {name: from_value(fields[name]) for name in fields}


def from_value(value: Value) -> Any:
    """The JSON value that a message holds; one that is not set is null."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return from_values(value.struct_value.fields)
    if kind == "double_value" and not math.isfinite(value.double_value):
        raise wrong(f"{value.double_value} is no JSON number")
    return getattr(value, kind)


def to_values(payload: Mapping[str, Any] | None) -> dict[str, Value]:
    """A payload as it is sent; of a point without one, empty."""
    return {name: to_value(value) for name, value in (payload or {}).items()}


def to_value(value: Any) -> Value:
    """A JSON value as it is sent."""
    match value:
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():  # before int, which it is too
            return Value(bool_value=value)
        case int():
            return Value(integer_value=value)
        case float():
            return Value(double_value=value)
        case str():
            return Value(string_value=value)
        case list():
            return Value(list_value=ListValue(values=[to_value(item) for item in value]))
        case dict():
            return Value(struct_value=Struct(fields=to_values(value)))
    raise TypeError(f"{value!r} is not JSON.")


def payload_selector(message: WithPayloadSelector, default: bool) -> Any:
    """What of the payload is asked for, as the engine takes it."""
    match message.WhichOneof("selector_options"):
        case None:
            return default
        case "enable":
            return message.enable
        case "include":
            return PayloadSelector.Include(list(message.include.fields))
        case "exclude":
            return PayloadSelector.Exclude(list(message.exclude.fields))
    raise wrong("malformed WithPayloadSelector")
