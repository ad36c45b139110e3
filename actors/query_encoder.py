"""Turns a query into the vectors that scenes are searched by, without the models that index."""

import threading
from collections.abc import Sequence

from actors.function_words import without_function_words
from actors.model_preparation import PreparedModels
from actors.onnx_towers import SiglipTextTower, TextTower
from actors.picture_reading import MOST_PIXELS, read_picture
from actors.picture_tower import PictureTower
from footage.errors import UnreadablePicture
from footage.records import EncodedQuery, SparseVector, Vector


class TextQueryEncoder:
    """The text model's half of a query."""

    def __init__(self, prepared: PreparedModels) -> None:
        self._tower = TextTower(prepared.text_tower_folder)
        self._weighs_all_words_alike = prepared.sparse_idf

    def encode_many(self, texts: Sequence[str]) -> list[tuple[Vector, SparseVector]]:
        """The dense vector (text_dimensions,) and the sparse one of each text.

        The sparse vector is empty where the model's vocabulary knows no word of the text.
        """
        found = self._tower.encode_many(texts)
        if not self._weighs_all_words_alike:
            return found
        # Such words would outweigh the rest of a long query.
        words = [self._tower.tokens(without_function_words(text)) for text in texts]
        return [(dense, sparse) for (dense, _), sparse in zip(found, words, strict=True)]


class PictureQueryEncoder:
    """The frame model's half of a query: texts and pictures in the space of what is seen.

    The image tower is opened with the first picture: most searches are words, and it is the larger one.

    Args:
        prepared: models.
        most_pixels: of a picture; serve.max_image_mpx.
    """

    def __init__(self, prepared: PreparedModels, most_pixels: int = MOST_PIXELS) -> None:
        self._texts = SiglipTextTower(prepared.vision_tower_folder)
        self._folder = prepared.picture_tower_folder
        self._most_pixels = most_pixels
        self._pictures: PictureTower | None = None
        self._opening = threading.Lock()

    def encode_texts(self, texts: Sequence[str]) -> list[Vector]:
        """The vector (vision_dimensions,) of each text."""
        return self._texts.encode_many(texts)

    def encode_pictures(self, pictures: Sequence[bytes]) -> list[Vector | UnreadablePicture]:
        """The vector (vision_dimensions,) of each picture, or why it has none: one bad picture costs no other its own.

        Args:
            pictures: files; see read_picture().
        """
        read = [self._read(picture) for picture in pictures]
        good = [one for one in read if not isinstance(one, UnreadablePicture)]
        vectors = iter(self.open_pictures().encode_many(good) if good else [])
        return [one if isinstance(one, UnreadablePicture) else next(vectors) for one in read]

    def open_pictures(self) -> PictureTower:
        """The image tower; a service calls this when it starts, so that the first picture need not wait."""
        with self._opening:
            if self._pictures is None:
                self._pictures = PictureTower(self._folder)
            return self._pictures

    def _read(self, picture: bytes) -> object:
        try:
            return read_picture(picture, self._most_pixels)
        except UnreadablePicture as error:
            return error


class QueryEncoder:
    """Both halves in this process.

    Args:
        prepared: models.
        most_pixels: of a picture that is searched by.
    """

    def __init__(self, prepared: PreparedModels, most_pixels: int = MOST_PIXELS) -> None:
        self._words = TextQueryEncoder(prepared)
        self._seen = PictureQueryEncoder(prepared, most_pixels)

    def encode(self, text: str) -> EncodedQuery:
        """The vectors of a query: (text_dimensions,) dense, sparse, and (vision_dimensions,) visual.

        The sparse vector is empty where the model's vocabulary knows no word of the query.
        """
        dense, sparse = self.encode_words(text)
        return EncodedQuery(transcript=dense, transcript_sparse=sparse, visual=self.encode_seen(text))

    def encode_words(self, text: str) -> tuple[Vector, SparseVector]:
        """See encode(), without what the frame model makes of the query."""
        (found,) = self._words.encode_many([text])
        return found

    def encode_seen(self, text: str) -> Vector:
        """See encode(), only what the frame model makes of the query."""
        (found,) = self._seen.encode_texts([text])
        return found

    def encode_picture(self, picture: bytes) -> Vector:
        """The vector (vision_dimensions,) of a picture, of unit length.

        Raises:
            UnreadablePicture: it is none, has too many pixels, or is damaged; the message says which.
        """
        (found,) = self._seen.encode_pictures([picture])
        if isinstance(found, UnreadablePicture):
            raise found
        return found
