"""The Arrow table that streams through the pipeline: one row is one span.

Scenes are parallel list columns of one length (`scene_ids`, `scene_start_s`, ...): each stage appends its own. A row
whose `failure_code` is set carries no scenes; stages hand it on untouched and the writer quarantines it. Schemas are
explicit because inference changes a column's type with its content (an empty list, a None).
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from footage.sidecar import StoredSource

SPAN = pa.schema(
    [
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("workspace", pa.string(), nullable=False),
        pa.field("dataset", pa.string()),
        pa.field("source_uri", pa.string(), nullable=False),
        pa.field("source_etag", pa.string(), nullable=False),
        pa.field("source_size_bytes", pa.int64(), nullable=False),
        pa.field(
            "path", pa.binary(), nullable=False
        ),  # of a file of this machine: os.fsencode, for names not in UTF-8; empty where the source is remote
        pa.field("video_id", pa.string()),  # None only where the source could not be read
        pa.field("read_at", pa.string()),  # when the source was read; None where it was not planned
        pa.field("claim_generation", pa.int32()),  # under which the span is worked on
        pa.field("span_index", pa.int32()),
        pa.field("span_count", pa.int32()),
        pa.field("span_start_s", pa.float64()),
        pa.field("span_end_s", pa.float64()),
        pa.field("duration_s", pa.float64()),
        pa.field("first_frame_s", pa.float64()),
        pa.field("has_audio", pa.bool_()),
        pa.field("has_timestamps", pa.bool_()),
        pa.field("duplicate", pa.bool_(), nullable=False),  # its bytes are another source's: nothing to decode
        pa.field("elsewhere", pa.bool_(), nullable=False),  # another live run works on its video: nothing to decode
        pa.field("failure_code", pa.string()),
        pa.field("failure", pa.string()),
        pa.field("stage_seconds", pa.map_(pa.string(), pa.float64()), nullable=False),
    ]
)


def source_of(row: Mapping[str, Any]) -> StoredSource:
    """The source of a row, as it was when it was listed."""
    return StoredSource(uri=row["source_uri"], etag=row["source_etag"], size_bytes=row["source_size_bytes"])


def table_of(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table of exactly this schema.

    Raises:
        ValueError: a row has a field too many or too few (pyarrow would drop it, or fill in None, in silence).
    """
    names = set(schema.names)
    for row in rows:
        if row.keys() != names:
            raise ValueError(f"fields {sorted(row.keys() ^ names)} differ from the schema")
    return pa.Table.from_pylist(rows, schema=schema)


def replace_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    """The table with the values of one column replaced, its type kept."""
    position = table.schema.get_field_index(name)
    field = table.schema.field(position)
    return table.set_column(position, field, pa.array(values, field.type))
