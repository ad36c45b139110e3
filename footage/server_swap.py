"""Putting other collections in the place of an index's own: a re-index without a moment in which nothing is found.

A generation of collections is made aside, filled by who calls, and the aliases are turned to it in one request. What is
written through the aliases between the copy of a point and the swap is not in the new generation: copy while no run
writes, or copy again what changed.
"""

import re
import secrets
from datetime import UTC, datetime

from footage.errors import StoreError
from footage.server_binding import keep_binding
from footage.server_collections import CollectionNames, alias_names, aliased, make_collections, point_aliases
from footage.server_connection import ServerRefusal
from footage.server_index import ServerIndex
from footage.storage_settings import QdrantSettings


def new_generation(index: ServerIndex, settings: QdrantSettings | None = None) -> ServerIndex:
    """Fresh collections beside those of `index`, of the same spec and store; no alias points there yet.

    Args:
        index: opened by its aliases.
        settings: of the collections; None: those of `index`.
    """
    settings = settings or index.settings
    suffix = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    names = alias_names(index.settings).numbered(suffix)
    target = ServerIndex(index.url, index.spec, settings, names=names)
    make_collections(target.connection, names, index.spec)
    keep_binding(target.connection, index.collections().scenes, names.scenes)
    return target


def swap_aliases(index: ServerIndex, target: ServerIndex) -> CollectionNames:
    """Let the aliases of `index` point to the collections of `target`, both at once; gives the former collections."""
    former = index.collections()
    point_aliases(index.connection, alias_names(index.settings), target.names)
    return former


def drop_old(index: ServerIndex, names: CollectionNames) -> None:
    """Delete collections, former ones or those of a generation that is given up. Those that are gone are passed over.

    Raises:
        StoreError: an alias of `index` points to one of them.
    """
    held = aliased(index.connection, alias_names(index.settings))
    for name in (names.scenes, names.videos):
        if held is not None and name in (held.scenes, held.videos):
            raise StoreError(f"The collection {name} at {index.url} is in use: an alias points to it.")
        drop_collection(index, name)


def drop_collection(index: ServerIndex, name: str) -> None:
    """Delete a collection to which no alias points; one that is gone is passed over."""
    try:
        index.connection.call(lambda client: client.delete_collection(name))
    except ServerRefusal as error:
        if error.code != "NOT_FOUND":
            raise


def unused_generations(index: ServerIndex) -> list[str]:
    """Collections of this index to which no alias points: left by a re-index that was killed, or being filled now."""
    names = alias_names(index.settings)
    held = aliased(index.connection, names)
    made = re.compile(rf"({re.escape(names.scenes)}|{re.escape(names.videos)})-(0|\d{{8}}T\d{{6}}-[0-9a-f]{{4}})")
    there = index.connection.call(lambda client: client.get_collections()).collections
    used = () if held is None else (held.scenes, held.videos)
    return sorted(one.name for one in there if made.fullmatch(one.name) and one.name not in used)
