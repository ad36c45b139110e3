"""The tie of an index to the store whose scenes it holds: to another store they would be leftovers to be removed."""

from pathlib import Path

from footage.durable_files import write_text
from footage.errors import IndexMismatch, StoreError

_FILE = "store-id"


def check_binding(held: str, store_id: str, index: str, instead: str) -> None:
    """Let an index pass that is tied to this store, or to none.

    Args:
        held: id of the store that it is tied to; empty if to none.
        store_id: of this store; empty if it has none, so that none of its scenes can be in an index yet.
        index: begins the message, such as "The index FOLDER".
        instead: how to take another index, such as "name another folder with --index".

    Raises:
        IndexMismatch: it is tied to another store.
    """
    if held and held != store_id:
        raise IndexMismatch(
            f"{index} holds the scenes of another store (its store-id is {held}; that of this store is"
            f" {store_id or 'not made yet'}). Each store needs an index of its own: {instead}. If the other store is"
            " gone for good, the index can be removed instead."
        )


def bind_folder(path: Path, store_id: str, dry_run: bool) -> None:
    """Tie the embedded index at `path`, whose lock is held, to a store: VectorIndex.bind.

    Raises:
        IndexMismatch: it is tied to another one.
        StoreError: the file that says so cannot be read or written.
    """
    file = path.with_name(_FILE)
    try:
        held = file.read_text("ascii", "replace").strip() if file.exists() else ""
        check_binding(held, store_id, f"The index {path.parent}", "name another folder with --index")
        if not held and not dry_run:
            write_text(file, f"{store_id}\n")
    except OSError as error:
        raise StoreError(f"{file}, which says whose index it is, cannot be used: {error.strerror or error}.") from error
