"""What every folder of Qdrant's engine has in common: how it is made, read through, and asked for equal fields."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from footage.durable_files import sync_folder

PAGE_POINTS = 256  # points per read and per write: a few MB with their vectors

KEYWORD = edge.PayloadSchemaType.Keyword
FLOAT = edge.PayloadSchemaType.Float
INTEGER = edge.PayloadSchemaType.Integer


def make_shard(path: Path, config: edge.EdgeConfig, fields: Mapping[str, edge.PayloadSchemaType]) -> Path:
    """Make an empty shard aside and give its folder, which `place_shard` puts at `path`.

    Args:
        path: where the shard is to be. What was left there or aside by a process that was killed is removed, so the
            caller holds the lock.
        config: of its vectors.
        fields: payload fields that are filtered by, besides `workspace`.
    """
    aside = path.with_name(f".{path.name}.new")
    for leftover in (aside, path):
        shutil.rmtree(leftover, ignore_errors=True)
    aside.mkdir(parents=True)
    shard = edge.EdgeShard.create(str(aside), config)
    shard.update(edge.UpdateOperation.create_field_index("workspace", edge.KeywordIndexParams(is_tenant=True)))
    for field, kind in fields.items():
        shard.update(edge.UpdateOperation.create_field_index(field, kind))
    shard.flush()
    shard.close()
    return aside


def place_shard(aside: Path, path: Path) -> None:
    """Rename a made shard, so that a folder at `path` is always a whole one."""
    os.replace(aside, path)
    sync_folder(path.parent)


def read_through(shard: edge.EdgeShard, where: edge.Filter) -> Iterator[Any]:
    """All points that count, with their payload and vectors."""
    offset = None
    while True:
        request = edge.ScrollRequest(
            offset=offset, limit=PAGE_POINTS, filter=where, with_payload=True, with_vector=True
        )
        page, offset = shard.scroll(request)
        yield from page
        if offset is None:
            return


def equals(field: str, value: str | int) -> edge.FieldCondition:
    """The points whose field has this value, or, if it is a list, holds it."""
    return edge.FieldCondition(key=field, match=edge.MatchValue(value))
