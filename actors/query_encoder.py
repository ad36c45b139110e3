"""Turns a query into the vectors that scenes are searched by, without the models that index."""

from actors.function_words import without_function_words
from actors.model_preparation import PreparedModels
from actors.onnx_towers import SiglipTextTower, TextTower
from footage.records import EncodedQuery


class QueryEncoder:
    """Holds both text towers in ONNX Runtime, one thread each."""

    def __init__(self, prepared: PreparedModels) -> None:
        self._text = TextTower(prepared.text_tower_folder)
        self._weighs_all_words_alike = prepared.sparse_idf
        self._vision = SiglipTextTower(prepared.vision_tower_folder)

    def encode(self, text: str) -> EncodedQuery:
        """The vectors of a query: (text_dimensions,) dense, sparse, and (vision_dimensions,) visual.

        The sparse vector is empty where the model's vocabulary knows no word of the query.
        """
        dense, sparse = self._text.encode(text)
        if self._weighs_all_words_alike:
            sparse = self._text.encode(without_function_words(text))[1]
        return EncodedQuery(transcript=dense, transcript_sparse=sparse, visual=self._vision.encode(text))
