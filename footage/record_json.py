"""Records as the bytes of an object, and back."""

from typing import TypeVar

from pydantic import ValidationError

from footage.errors import StoreError
from footage.sidecar import Stored

Record = TypeVar("Record", bound=Stored)


def to_json(record: Stored) -> bytes:
    """One line of JSON."""
    return record.model_dump_json().encode() + b"\n"


def from_json(key: str, data: bytes, kind: type[Record]) -> Record:
    """The record that `data` is.

    Raises:
        StoreError: it is not one of this kind; names the object by its key.
    """
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "it"
        raise StoreError(
            f"The object {key} is not a {kind.__name__} of this version of footage: {field}: {first['msg']}. "
            "Restore it, or remove it and index again."
        ) from error
