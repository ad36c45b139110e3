"""What tells one store from another, wherever it is copied or moved to: an id that lies in it."""

import uuid

from footage.errors import ObjectMissing, StoreError
from footage.storage import ObjectStore

STORE_ID = "store-id"  # the key


def store_id(store: ObjectStore) -> str:
    """The id of a store, a UUID; it is made if there is none yet. Of several that make one at once, one wins.

    Raises:
        StoreError: it cannot be read or made, or is none.
    """
    held = known_store_id(store)
    if not held:
        store.create(STORE_ID, f"{uuid.uuid4()}\n".encode())
        held = known_store_id(store)
    return held


def known_store_id(store: ObjectStore) -> str:
    """The id of a store; empty where it has none yet.

    Raises:
        StoreError: it cannot be read, or is none.
    """
    try:
        text = store.get(STORE_ID).decode("ascii", "replace").strip()
    except ObjectMissing:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise StoreError(
            f"The object {STORE_ID} of the store {store.address} is damaged: put the id back that `store-id` beside the"
            " index, or footage_store in the metadata of its collection of scenes, has."
        ) from error
