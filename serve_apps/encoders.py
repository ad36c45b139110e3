"""The query encoders, each in processes of its own, and the Encoder that asks them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ray import serve

from actors.model_preparation import PreparedModels
from actors.query_encoder import PictureQueryEncoder, TextQueryEncoder
from footage.errors import EncoderUnavailable, UnreadablePicture
from footage.records import EncodedQuery, SparseVector, Vector
from footage.serve_settings import ServeSettings
from serve_apps.replica_calls import Ask, ReplicaCall

Encoded = tuple[Vector, SparseVector]
_TRIED_EVERY_S = 20.0  # a real text model takes a tenth of a second of a core for it


class TextEncoder:
    """The text model's tower. Queries that come while it is busy are encoded together next."""

    def __init__(self, prepared: PreparedModels, settings: ServeSettings) -> None:
        self._encoder = TextQueryEncoder(prepared)
        self._trial = _Trial(lambda: self._encoder.encode_many(["health"]))
        self.encode.set_max_batch_size(settings.encoder_batch)
        self.encode.set_batch_wait_timeout_s(settings.encoder_batch_wait_ms / 1000)

    @serve.batch(batch_wait_timeout_s=0)  # type: ignore[untyped-decorator]  # Ray gives none
    async def encode(self, texts: list[str]) -> list[Encoded]:
        """The dense and the sparse vector of each query."""
        return await asyncio.to_thread(self._encoder.encode_many, texts)

    async def check_health(self) -> None:
        """Called by Serve: an encoder that cannot encode is replaced."""
        await asyncio.to_thread(self._trial)


class PictureEncoder:
    """The image model's towers: of texts, and of pictures."""

    def __init__(self, prepared: PreparedModels, settings: ServeSettings) -> None:
        self._encoder = PictureQueryEncoder(prepared, int(settings.max_image_mpx * 1e6))
        self._encoder.open_pictures()
        self._trial = _Trial(lambda: self._encoder.encode_texts(["health"]))
        for batched in (self.encode, self.encode_picture):
            batched.set_max_batch_size(settings.encoder_batch)
            batched.set_batch_wait_timeout_s(settings.encoder_batch_wait_ms / 1000)

    @serve.batch(batch_wait_timeout_s=0)  # type: ignore[untyped-decorator]  # Ray gives none
    async def encode(self, texts: list[str]) -> list[Vector]:
        """The vector of each query."""
        return list(await asyncio.to_thread(self._encoder.encode_texts, texts))

    @serve.batch(batch_wait_timeout_s=0)  # type: ignore[untyped-decorator]  # Ray gives none
    async def encode_picture(self, pictures: list[bytes]) -> list[Vector | UnreadablePicture]:
        """The vector of each picture, or why it has none: one that cannot be read costs no other its answer."""
        return await asyncio.to_thread(self._encoder.encode_pictures, pictures)

    async def check_health(self) -> None:
        """Called by Serve: an encoder that cannot encode is replaced."""
        await asyncio.to_thread(self._trial)


class _Trial:
    """Encodes a word, at most every _TRIED_EVERY_S: Serve asks more often, which tells that the process lives."""

    def __init__(self, encode: Callable[[], object]) -> None:
        self._encode = encode
        self._next_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next_at:
            self._encode()
            self._next_at = time.monotonic() + _TRIED_EVERY_S


class ServedEncoder:
    """An Encoder (actors/encoder.py) over the deployments. May be used by many threads at once."""

    def __init__(self, text: Any, pictures: Any, within_s: float) -> None:
        """Take the handles of TextEncoder and PictureEncoder, and how many seconds an answer may take."""
        self._text = text
        self._pictures = pictures
        self._within_s = within_s

    def encode(self, text: str) -> EncodedQuery:
        """The vectors of a query; both encoders work on it at the same time.

        Raises:
            EncoderUnavailable: one does not answer in time.
        """
        words, seen = self._ask_words(text), self._ask_seen(text)
        dense, sparse = words.result()
        return EncodedQuery(transcript=dense, transcript_sparse=sparse, visual=seen.result())

    def encode_words(self, text: str) -> Encoded:
        """The dense and the sparse vector of a query.

        Raises:
            EncoderUnavailable: the encoder does not answer in time.
        """
        given: Encoded = self._ask_words(text).result()
        return given

    def encode_seen(self, text: str) -> Vector:
        """The vector of what looks like a query.

        Raises:
            EncoderUnavailable: the encoder does not answer in time.
        """
        given: Vector = self._ask_seen(text).result()
        return given

    def encode_picture(self, picture: bytes) -> Vector:
        """The vector of a picture: JPEG, PNG or WebP.

        Raises:
            UnreadablePicture: it cannot be decoded.
            EncoderUnavailable: the encoder does not answer in time.
        """
        given: Vector | UnreadablePicture = self._call(lambda: self._pictures.encode_picture.remote(picture)).result()
        if isinstance(given, UnreadablePicture):
            raise given
        return given

    def _ask_words(self, text: str) -> ReplicaCall:
        return self._call(lambda: self._text.encode.remote(text))

    def _ask_seen(self, text: str) -> ReplicaCall:
        return self._call(lambda: self._pictures.encode.remote(text))

    def _call(self, ask: Ask) -> ReplicaCall:
        return ReplicaCall(
            ask,
            self._within_s,
            lambda reason: EncoderUnavailable(f"The encoder of queries {reason}: try again in a moment."),
        )
