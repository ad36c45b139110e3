"""The tie of an index on a Qdrant server to its store: an entry in the metadata of the collection of scenes."""

import time

from footage.index_binding import check_binding
from footage.server_connection import ServerConnection

_STORE = "footage_store"  # in the metadata, whose entries a server merges with those that are there
# Qdrant has no conditional write of metadata. Who wrote at the same time and found no entry has written by then.
_SETTLED_S = 0.5


def bind_collection(connection: ServerConnection, collection: str, store_id: str, dry_run: bool = False) -> None:
    """Tie a collection of scenes to a store: VectorIndex.bind.

    Of two stores that bind it at once the later one stays, and the other is refused, as it looks again; except if a
    write takes longer to arrive than `_SETTLED_S`: then the next run of the other one is refused.

    Raises:
        IndexMismatch: it is tied to another store.
        StoreError: as in ServerConnection.call.
    """
    held = held_store(connection, collection)
    if not held and not dry_run:
        connection.call(lambda client: client.update_collection(collection, metadata={_STORE: store_id}))
        time.sleep(_SETTLED_S)
        held = held_store(connection, collection)
    check_binding(
        held,
        store_id,
        f"The index at {connection.url} ({collection})",
        "set FOOTAGE_QDRANT__COLLECTION (qdrant.collection) to another name",
    )


def held_store(connection: ServerConnection, collection: str) -> str:
    """Id of the store that a collection is tied to; empty if to none."""
    config = connection.call(lambda client: client.get_collection(collection)).config
    return str((config.metadata or {}).get(_STORE, ""))


def keep_binding(connection: ServerConnection, collection: str, fresh: str) -> None:
    """Tie a fresh collection, which nobody uses yet, to the store that another one is tied to, if it is."""
    if held := held_store(connection, collection):
        connection.call(lambda client: client.update_collection(fresh, metadata={_STORE: held}))
