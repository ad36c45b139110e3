"""The text towers as ONNX files, with their tokenizers: what a query of words needs, without torch.

A tower is a folder: model.onnx and its weights.bin, the tokenizer's file, and tower.json with what the tokenizer's
file does not say. text_tower_export.py and siglip_export.py make them and compare them with the originals. The image
tower is in picture_tower.py.
"""

import json
import re
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from footage.records import SparseVector, Vector

MODEL = "model.onnx"
WEIGHTS = "weights.bin"
TOKENIZER = "tokenizer.json"
SENTENCEPIECE = "spiece.model"
DESCRIPTION = "tower.json"
SPACE = "▁"  # how SentencePiece writes a space
WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
MOST_PADDING = 16  # tokens; most queries are shorter


def open_session(model: Path, precision: str, threads: int = 1) -> Any:
    """An ONNX Runtime session.

    The file is already optimised and a query runs it once, so neither the optimiser nor the repacking of weights pays:
    without them the 90 MB MiniLM tower opened in 0.04 s instead of 0.16 s. int8 weights must be repacked: else they
    are made float32 one block at a time, which took seven times as long.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "0" if precision == "int8" else "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # or its threads keep cores from others
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def sparse_vector(token_ids: list[int], weights: Vector, special_ids: frozenset[int]) -> SparseVector:
    """The highest weight of each token id that is not special and weighs more than 0, as BGE-M3's class counts them.

    Args:
        token_ids: of one text, with special tokens and padding.
        weights: (tokens,), the sparse head's output.
        special_ids: ids that carry no meaning.
    """
    heaviest: dict[int, float] = {}
    for token_id, weight in zip(token_ids, weights.tolist(), strict=True):
        if token_id not in special_ids and weight > heaviest.get(token_id, 0.0):
            heaviest[token_id] = weight
    indices = tuple(sorted(heaviest))
    return SparseVector(indices, tuple(heaviest[index] for index in indices))


def alike(lengths: Sequence[int]) -> list[list[int]]:
    """The places of texts that may share a batch: none is padded to more than twice its length, or MOST_PADDING.

    So a long text costs those that came with it no more than themselves.
    """
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if groups and lengths[place] <= max(MOST_PADDING, 2 * lengths[groups[-1][0]]):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


class TextTower:
    """The text model: one text → its dense vector (dimensions,) of unit length and its sparse one."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        description = json.loads((folder / DESCRIPTION).read_text())
        self._special_ids = frozenset(description["special_ids"])
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.enable_truncation(description["max_tokens"])
        self._tokenizer.no_padding()
        self._session = open_session(folder / MODEL, description["precision"])

    def encode(self, text: str) -> tuple[Vector, SparseVector]:
        """Dense and sparse vector of one text; longer ones are cut off at the model's number of tokens."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[tuple[Vector, SparseVector]]:
        """Those of texts, in their order; texts of like length share a batch. A text's company changes its vectors by
        rounding only.
        """
        token_ids: list[list[int]] = [self._tokenizer.encode(text).ids for text in texts]
        found: dict[int, tuple[Vector, SparseVector]] = {}
        for places in alike([len(ids) for ids in token_ids]):
            dense, weights = self._run([token_ids[place] for place in places])
            for row, place in enumerate(places):
                ids = token_ids[place]
                found[place] = dense[row], sparse_vector(ids, weights[row, : len(ids)], self._special_ids)
        return [found[place] for place in range(len(texts))]

    def tokens(self, text: str) -> SparseVector:
        """The sparse vector where the model's sparse head gives each token the weight 1: it need not run."""
        ids = self._tokenizer.encode(text).ids
        return sparse_vector(ids, np.ones(len(ids), np.float32), self._special_ids)

    def _run(self, token_ids: list[list[int]]) -> tuple[Any, Any]:
        """Dense vectors (texts, dimensions) and token weights (texts, longest)."""
        longest = max(len(ids) for ids in token_ids)
        # Which id pads does not matter: it comes last and is masked.
        padded = np.zeros((len(token_ids), longest), np.int64)
        mask = np.zeros_like(padded)
        for row, ids in enumerate(token_ids):
            padded[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        dense, weights = self._session.run(None, {"input_ids": padded, "attention_mask": mask})
        return dense, weights


class SiglipTextTower:
    """SigLIP's text model: one text → its vector (dimensions,) of unit length, comparable with pictures.

    Attributes:
        logit_scale: with logit_bias, what makes a probability of a cosine; see vision_tags.py.
    """

    def __init__(self, folder: Path) -> None:
        description = json.loads((folder / DESCRIPTION).read_text())
        self._length: int = description["length"]
        self._pad_id: int = description["pad_id"]
        self.logit_scale: float = description["logit_scale"]
        self.logit_bias: float = description["logit_bias"]
        self._tokenizer = _SiglipPieces(folder, description) if "eos_id" in description else _TokenizerFile(folder)
        self._session = open_session(folder / MODEL, description["precision"])

    def token_ids(self, text: str) -> list[int]:
        """The ids of the Hugging Face processor with padding="max_length", truncation=True."""
        ids = self._tokenizer.encode(text, self._length)
        return ids + [self._pad_id] * (self._length - len(ids))

    def encode(self, text: str) -> Vector:
        """The vector of one text. SigLIP was trained on padded texts without an attention mask, so none is given."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[Vector]:
        """The vectors of texts, all in one batch."""
        if not texts:
            return []
        (vectors,) = self._session.run(None, {"input_ids": np.array([self.token_ids(text) for text in texts])})
        return list(vectors)


class _TokenizerFile:
    """SigLIP 2: everything is in tokenizer.json."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()

    def encode(self, text: str, length: int) -> list[int]:
        self._tokenizer.enable_truncation(length)
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids


class _SiglipPieces:
    """SigLIP 1: SentencePiece after the canonical form of big_vision, as transformers' SiglipTokenizer does it.

    Words such as `</s>` in a query are text here, while transformers would take them for special tokens.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        from sentencepiece import SentencePieceProcessor

        self._pieces = SentencePieceProcessor(model_file=str(folder / SENTENCEPIECE))
        self._eos_id: int = description["eos_id"]
        self._unknown: str = description["unknown"]
        self._lower_case: bool = description["lower_case"]
        self._unknown_length = len(self._pieces.encode(self._unknown))

    def encode(self, text: str, length: int) -> list[int]:
        text = SPACE + text.replace(SPACE, " ")
        text = (text.lower() if self._lower_case else text).translate(WITHOUT_PUNCTUATION)
        text = re.sub(r"\s+", " ", text).strip()
        # The unknown token goes in front and its pieces go away again: SentencePiece would strip a leading space.
        pieces = self._pieces.encode(self._unknown + text, out_type=str)[self._unknown_length :]
        ids = [self._pieces.piece_to_id(piece) for piece in pieces]
        return [*ids[: length - 1], self._eos_id]
