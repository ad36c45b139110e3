"""What the decoder process and its actor say to each other: a line of JSON, then the bytes it announces.

Never pickle: the child handles hostile files, and unpickling what it sends would run what it sends.
"""

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

MAX_HEADER_BYTES = 64 << 20  # a thousand scenes take about 50 KB
OUT_OF_MEMORY = "out_of_memory"  # the code of an answer after which the child ends


def send(stream: BinaryIO, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Writes one message; raises BrokenPipeError if nobody reads it any more."""
    stream.write(json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode("ascii") + b"\n")
    for blob in blobs:
        stream.write(blob)
    stream.flush()


class Answer:
    """A message as it comes in, of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()
        self._header: dict[str, Any] | None = None
        self._lengths: list[int] = []

    @property
    def is_complete(self) -> bool:
        """Whether the header and all blobs are there."""
        return self._header is not None and len(self._data) >= sum(self._lengths)

    def add(self, data: bytes) -> None:
        """Takes what was read.

        Raises:
            ValueError: this is no such message.
        """
        searched = len(self._data)
        self._data += data
        if self._header is not None:
            return
        end = self._data.find(b"\n", searched)
        if end < 0:
            if len(self._data) > MAX_HEADER_BYTES:
                raise ValueError("the decoder's answer has no end")
            return
        self._header, self._lengths = _parse(bytes(self._data[:end]))
        if sum(self._lengths) > self._max_bytes:
            raise ValueError("the decoder announces more than it can hold")
        del self._data[: end + 1]

    def parts(self) -> tuple[dict[str, Any], list[bytes]]:
        """The header and the blobs of a complete message."""
        if self._header is None:
            raise ValueError("the message is not complete")
        blobs, position = [], 0
        for length in self._lengths:
            blobs.append(bytes(memoryview(self._data)[position : position + length]))
            position += length
        return self._header, blobs


def _parse(line: bytes) -> tuple[dict[str, Any], list[int]]:
    header = json.loads(line)
    if not isinstance(header, dict):
        raise ValueError("a message is a JSON object")
    lengths = header.pop("blobs", None)
    if not isinstance(lengths, list) or not all(isinstance(length, int) and length >= 0 for length in lengths):
        raise ValueError("a message announces its blobs")
    return header, lengths
