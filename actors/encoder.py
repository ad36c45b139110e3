"""What searches need of whatever encodes queries: actors.query_encoder.QueryEncoder, or one in another process."""

from typing import Protocol

from footage.records import EncodedQuery, SparseVector, Vector


class WordsEncoder(Protocol):
    """Turns words into the vectors of what is said and described."""

    def encode_words(self, text: str) -> tuple[Vector, SparseVector]:
        """The dense vector (text_dimensions,) and the sparse one, which is empty where no word is known."""
        ...


class Encoder(WordsEncoder, Protocol):
    """Turns words and pictures into vectors. Any number of threads may call it."""

    def encode_seen(self, text: str) -> Vector:
        """The vector (vision_dimensions,) of what looks like the text."""
        ...

    def encode(self, text: str) -> EncodedQuery:
        """Both; at the same time where they are made by two processes."""
        ...

    def encode_picture(self, picture: bytes) -> Vector:
        """The vector of a picture, (vision_dimensions,) of unit length.

        Args:
            picture: a JPEG, PNG or WebP file.

        Raises:
            UnreadablePicture: it is none, or not one to read.
        """
        ...
