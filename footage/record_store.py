"""Records under keys of an object store: what the catalog and its books are made of."""

from collections.abc import Callable, Iterator
from typing import Protocol

from footage.errors import ObjectMissing
from footage.record_json import Record, from_json, to_json
from footage.sidecar import Stored
from footage.storage import ObjectStore


class Parse(Protocol):
    """Makes a record of the bytes under a key: from_json(), or what remembers what it made."""

    def __call__(self, key: str, data: bytes, kind: type[Record]) -> Record:
        """See from_json()."""
        ...


def get_record(store: ObjectStore, key: str, kind: type[Record], parse: Parse = from_json) -> Record | None:
    """The record of this key, or None.

    Raises:
        StoreError: it is not one of this kind, or the store cannot be used.
    """
    try:
        return parse(key, store.get(key), kind)
    except ObjectMissing:
        return None


def record_name(key: str) -> str:
    """The last part of a record's key, without its suffix."""
    return key.rpartition("/")[2].removesuffix(".json")


def put_record(store: ObjectStore, key: str, record: Stored) -> None:
    """Write a record, whatever is there."""
    store.put(key, to_json(record))


def all_records(store: ObjectStore, prefix: str, kind: type[Record]) -> Iterator[Record]:
    """The records of all keys that begin so, in order of their keys."""
    for key in store.list(prefix):
        record = get_record(store, key, kind)
        if record is not None:  # deleted since it was listed
            yield record


def create_record(store: ObjectStore, key: str, record: Stored) -> bool:
    """Write a record if there is none; True also if exactly this one is there.

    A store may write and then fail to say so, and its client's second try finds what the first one wrote. So records
    that are written under a condition carry a nonce: no two writers have the same record.
    """
    return store.create(key, to_json(record)) or get_record(store, key, type(record)) == record


def swap_record(store: ObjectStore, key: str, old: Record, new: Record) -> bool:
    """Replace a record by another if it is exactly `old`; True also if exactly `new` is there: see create_record."""
    if store.swap(key, to_json(old), to_json(new)):
        return True
    try:
        held = store.get(key)
    except ObjectMissing:
        return False
    found = from_json(key, held, type(old))
    # The same record in other bytes: an older version wrote it, without the fields that are new in this one.
    return found == new or (found == old and store.swap(key, held, to_json(new)))


def put_record_while(store: ObjectStore, key: str, record: Stored, is_ours: Callable[[], bool]) -> bool:
    """Write a record, whatever is there, but nothing over what a later owner wrote; False if it is not ours any more.

    What is there is read, then `is_ours` asked: if it is ours still, no later owner wrote what was read, and the write
    succeeds only over that. Where nothing is, it is written without asking: a later owner will write over it.

    Args:
        store: where to.
        key: of the record.
        record: to write.
        is_ours: whether we still own what the record is about. Once it says no it never says yes again.
    """
    data = to_json(record)
    while not store.create(key, data):
        try:
            held = store.get(key)
        except ObjectMissing:
            continue
        if held == data:
            return True
        if not is_ours():
            return False
        if store.swap(key, held, data):
            return True
    return True
