"""Calls of an index, and their results, as lines of JSON: records by name, vectors as base64 of float32.

Nothing that is read can be anything but the records named here, numbers and text. Hits, which are tuples, come back as
lists: a search sends hundreds, and they take a third of the time so.
"""

import base64
import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

import numpy as np

from footage.index_records import (
    ScanPage,
    SceneFilter,
    ScenePoint,
    StoredPoint,
    VectorQuery,
    VideoHit,
    VideoPoint,
)
from footage.records import SceneVectors, SparseVector

_VECTOR = "f32"
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        ScanPage,
        SceneFilter,
        ScenePoint,
        SceneVectors,
        SparseVector,
        StoredPoint,
        VectorQuery,
        VideoHit,
        VideoPoint,
    )
}
# All have several fields, so that attrgetter gives a tuple.
_VALUES = {kind: attrgetter(*(field.name for field in fields(kind))) for kind in _KINDS.values()}


def to_line(value: Any) -> bytes:
    """One line of JSON for what consists of records, vectors, lists, text and numbers.

    Raises:
        TypeError: there is something else in it.
    """
    return json.dumps(value, default=_plain, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Any:
    """What to_line() was given. A tuple comes back as such in a record, and as a list elsewhere.

    Raises:
        ValueError, TypeError, KeyError: to_line() did not write this.
    """
    return json.loads(line, object_hook=_record)


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        return {_VECTOR: base64.b64encode(value.astype("<f4").tobytes()).decode()}
    kind = type(value)
    if kind not in _VALUES:
        raise TypeError(f"{kind.__name__} cannot be sent to the owner of an index")
    return {kind.__name__: _VALUES[kind](value)}


def _record(held: dict[str, Any]) -> Any:
    ((name, values),) = held.items()
    if name == _VECTOR:
        return np.frombuffer(base64.b64decode(values), "<f4")
    return _KINDS[name](*(tuple(value) if type(value) is list else value for value in values))
