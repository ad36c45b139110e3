import pytest

from footage.errors import StoreError
from footage.parsed_records import ParsedRecords
from footage.record_json import to_json
from footage.sidecar import StoredSource


def source(name: str) -> tuple[bytes, StoredSource]:
    record = StoredSource(uri=f"file:///{name}.mp4", etag="1", size_bytes=1)
    return to_json(record), record


def test_the_same_bytes_are_parsed_once() -> None:
    parsed = ParsedRecords()
    data, record = source("a")
    first = parsed("key", data, StoredSource)
    assert first == record
    assert parsed("key", bytes(bytearray(data)), StoredSource) is first


def test_other_bytes_and_other_keys_are_other_records() -> None:
    parsed = ParsedRecords()
    (one, first), (other, second) = source("a"), source("b")
    assert parsed("key", one, StoredSource) == first
    assert parsed("key", other, StoredSource) == second
    assert parsed("another", one, StoredSource) == first
    with pytest.raises(StoreError, match="The object key is not a StoredSource"):
        parsed("key", b"{}", StoredSource)
    assert parsed("key", other, StoredSource) == second


def test_what_was_used_longest_ago_makes_room() -> None:
    data = {name: source(name)[0] for name in "abc"}
    size = len(data["a"])
    parsed = ParsedRecords(room_bytes=2 * size)
    a, b = (parsed(name, data[name], StoredSource) for name in "ab")
    assert parsed("a", data["a"], StoredSource) is a
    c = parsed("c", data["c"], StoredSource)
    assert parsed("a", data["a"], StoredSource) is a
    assert parsed("c", data["c"], StoredSource) is c
    assert parsed("b", data["b"], StoredSource) is not b
    large = b" " * 2 * size + data["a"]
    assert parsed("large", large, StoredSource) is not parsed("large", large, StoredSource)
    assert parsed("b", data["b"], StoredSource) is parsed("b", data["b"], StoredSource)
