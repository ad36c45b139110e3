"""Payload indexes from the wire to the engine."""

from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as proto

from tests.qdrant_server.errors import only, unknown, wrong

_TYPES = {
    proto.FieldType.FieldTypeKeyword: edge.PayloadSchemaType.Keyword,
    proto.FieldType.FieldTypeInteger: edge.PayloadSchemaType.Integer,
    proto.FieldType.FieldTypeFloat: edge.PayloadSchemaType.Float,
    proto.FieldType.FieldTypeText: edge.PayloadSchemaType.Text,
    proto.FieldType.FieldTypeBool: edge.PayloadSchemaType.Bool,
    proto.FieldType.FieldTypeDatetime: edge.PayloadSchemaType.Datetime,
    proto.FieldType.FieldTypeUuid: edge.PayloadSchemaType.Uuid,
}
_PARAMS = {
    "keyword_index_params": (edge.KeywordIndexParams, proto.FieldType.FieldTypeKeyword),
    "integer_index_params": (edge.IntegerIndexParams, proto.FieldType.FieldTypeInteger),
    "float_index_params": (edge.FloatIndexParams, proto.FieldType.FieldTypeFloat),
    "bool_index_params": (edge.BoolIndexParams, proto.FieldType.FieldTypeBool),
    "datetime_index_params": (edge.DatetimeIndexParams, proto.FieldType.FieldTypeDatetime),
    "uuid_index_params": (edge.UuidIndexParams, proto.FieldType.FieldTypeUuid),
}
_PLAIN = ("is_tenant", "is_principal", "lookup", "range", "on_disk", "enable_hnsw")


def from_index(request: proto.CreateFieldIndexCollection) -> Any:
    """The index that a request asks for, as the engine takes it."""
    kind = request.field_index_params.WhichOneof("index_params")
    if kind is None:
        if not request.HasField("field_type"):
            raise wrong("field_type is expected")
        if request.field_type not in _TYPES:
            raise unknown(f"an index of {proto.FieldType.Name(request.field_type)}")
        return _TYPES[request.field_type]
    if kind not in _PARAMS:
        raise unknown(f"an index by {kind}")
    make, field_type = _PARAMS[kind]
    if request.HasField("field_type") and request.field_type != field_type:
        raise wrong(f"field_type and {kind} do not agree")
    params = getattr(request.field_index_params, kind)
    only(params, *_PLAIN)
    return make(**{field.name: value for field, value in params.ListFields()})
