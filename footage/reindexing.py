"""Rebuilding an index beside itself and putting the result in its place, while searches go on.

What changes is how vectors are held (graphs, quantisation, disk, shards), by the settings of today; scenes, vectors and
descriptions stay as they are. The caller keeps writers away: see reindex_guard.py.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from footage.errors import FootageError
from footage.index_address import IndexAddress
from footage.index_copy import Copied, copy_index
from footage.index_records import IndexSpec
from footage.server_collections import CollectionNames
from footage.server_index import ServerIndex
from footage.server_swap import drop_collection, drop_old, new_generation, swap_aliases, unused_generations
from footage.shared_index import SharedIndex
from footage.storage_settings import QdrantSettings

OWNER = "footage reindex"
_DRAIN_S = 2.0  # searches that found the old collections by their alias end within that; they take milliseconds

Say = Callable[[str], None]


def reindex(
    address: IndexAddress, spec: IndexSpec, settings: QdrantSettings, say: Say, store_id: str | None = None
) -> Copied:
    """Rebuild an index. Killed at any moment, or failed, it leaves an index that is whole; it can be done again.

    It takes the disk space of the index once more. An embedded index is read and exchanged by its owner, if another
    process owns it, and is there for searches all the while; during the exchange, a moment at the end, they wait.

    Args:
        address: of the index.
        spec: of the index.
        settings: of the server; new collections are made by them.
        say: called with what is done now.
        store_id: of the store that the index is to belong to; None: it stays tied to the one that it is tied to.

    Raises:
        IndexBusy: the owner of the embedded index does not answer, or another re-indexing is at work.
        IndexMismatch: it holds the scenes of another store.
        StoreError: there is no index, or the result is not what it should be; the index is as it was.
    """
    if address.path is None:
        with ServerIndex(address.url, spec, settings, create=False) as index:
            if store_id is not None:
                index.bind(store_id)
            return _reindex_server(index, say)
    return _reindex_folder(address.path, spec, say, store_id)


def _reindex_server(index: ServerIndex, say: Say) -> Copied:
    _drop_leftovers(index)
    with contextlib.closing(new_generation(index)) as fresh, contextlib.ExitStack() as undo:
        undo.callback(_give_up, index, fresh.names)  # also after Ctrl-C
        copied = copy_index(index, fresh, lambda points: say(f"{points} scenes written anew"))
        say(f"{copied.points} scenes written anew; the server builds its graphs")
        fresh.wait_until_indexed()
        former = swap_aliases(index, fresh)
        undo.pop_all()
    say("searches are answered by the rebuilt index; removing the old one")
    time.sleep(_DRAIN_S)
    drop_old(index, former)
    return copied


def _give_up(index: ServerIndex, half: CollectionNames) -> None:
    with contextlib.suppress(FootageError):  # what went wrong counts, and the next re-indexing removes these too
        drop_old(index, half)


def _drop_leftovers(index: ServerIndex) -> None:
    """Remove collections that a killed re-indexing left; nobody else makes any, see reindex_guard.py."""
    for name in unused_generations(index):
        drop_collection(index, name)


def _reindex_folder(path: Path, spec: IndexSpec, say: Say, store_id: str | None) -> Copied:
    from footage.embedded_rebuild import build_aside, remove_aside

    with SharedIndex(path, spec, OWNER, create=False) as index:
        if store_id is not None:
            index.bind(store_id)
        copied = build_aside(index, path, spec, say)
        say("putting the rebuilt index in place")
        index.take_rebuilt()
        remove_aside(path)
    return copied
