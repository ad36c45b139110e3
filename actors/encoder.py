"""What searches need of whatever encodes queries: actors.query_encoder.QueryEncoder, or one in another process."""

from typing import Protocol

from footage.records import EncodedQuery, Vector


class TextEncoder(Protocol):
    """Turns words into vectors."""

    def encode(self, text: str) -> EncodedQuery:
        """The vectors of a query."""
        ...


class Encoder(TextEncoder, Protocol):
    """Turns words and pictures into vectors. Any number of threads may call it."""

    def encode_picture(self, picture: bytes) -> Vector:
        """The vector of a picture, (vision_dimensions,) of unit length.

        Args:
            picture: a JPEG, PNG or WebP file.

        Raises:
            UnreadablePicture: it is none, or not one to read.
        """
        ...
