"""Dense and sparse vectors of what is said."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from actors.onnx_towers import sparse_vector
from actors.text_tower_export import HEADS, has_heads
from actors.torch_runtime import set_up_torch
from footage.errors import ModelMissing
from footage.records import SparseVector, Vector
from footage.settings import TextSettings

SPARSE = pa.struct([("indices", pa.list_(pa.uint32())), ("values", pa.list_(pa.float32()))])


class TextEmbedder:
    """BGE-M3's class on the transcripts of scenes.

    Which texts share a batch can change the last bit of a vector, by their padding. Batches are made of the texts of
    one call only, in an order that depends on nothing but the texts: the same call always gives the same vectors. The
    pipeline calls with one span at a time, so a run that was disturbed leaves what an undisturbed one does.

    Args:
        settings: of the text model.
        folder: PreparedModels.text_folder.

    Raises:
        ModelMissing: the folder lacks the sparse or the ColBERT head, which the class would replace by random ones.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("transcript_dense", pa.list_(pa.list_(pa.float32()))),
            pa.field("transcript_sparse", pa.list_(SPARSE)),
        ]
    )

    def __init__(self, settings: TextSettings, folder: Path) -> None:
        if not has_heads(folder):
            raise ModelMissing(f"The text model in {folder} lacks {' or '.join(HEADS)}; fetch it again, all files.")
        set_up_torch()
        from FlagEmbedding import BGEM3FlagModel

        self._settings = settings
        self._model: Any = BGEM3FlagModel(
            str(folder),
            use_fp16=settings.use_fp16 and settings.device == "cuda",  # on a CPU it is slow, and less exact
            devices="cuda:0" if settings.device == "cuda" else "cpu",
            pooling_method=settings.pooling,
        )
        self._model.model.to(self._model.target_devices[0]).eval()
        tokenizer = self._model.tokenizer
        special = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        self._special_ids = frozenset(token_id for token_id in special if token_id is not None)

    @property
    def dimensions(self) -> int:
        """Length of a dense vector."""
        return int(self._model.model.config.hidden_size)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `transcript_dense` and `transcript_sparse`, one per scene; null where nothing is said."""
        rows = spans.select(["failure_code", "scene_ids", "transcripts"]).to_pylist()
        scenes = [_scenes(row) for row in rows]
        vectors = self.embed({scene_id: text for span in scenes for scene_id, text in span.items() if text})
        dense = [
            [vectors[scene_id][0].tolist() if scene_id in vectors else None for scene_id in span] for span in scenes
        ]
        sparse = [
            [_stored(vectors[scene_id][1]) if scene_id in vectors else None for scene_id in span] for span in scenes
        ]
        for field, values in zip(self.ADDS, (dense, sparse), strict=True):
            spans = spans.append_column(field, pa.array(values, field.type))
        return spans

    def embed(self, texts: Mapping[str, str]) -> dict[str, tuple[Vector, SparseVector]]:
        """The vectors of texts by their ids: dense (dimensions,), float32, of unit length, and sparse.

        Args:
            texts: id → text. Texts of more than max_tokens tokens are cut off there.
        """
        # Texts of like length share a batch, for less padding; the text itself breaks ties.
        ordered = sorted(texts.items(), key=lambda item: (len(item[1]), item[1], item[0]))
        size = self._settings.batch_size
        vectors: dict[str, tuple[Vector, SparseVector]] = {}
        for first in range(0, len(ordered), size):
            batch = ordered[first : first + size]
            found = self._embed_batch([text for _, text in batch])
            vectors.update(zip((scene_id for scene_id, _ in batch), found, strict=True))
        return vectors

    def _embed_batch(self, texts: Sequence[str]) -> list[tuple[Vector, SparseVector]]:
        """One pass through the model. Its encode() would run each first batch twice, to find a size that fits."""
        import torch

        inputs = self._model.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._settings.max_tokens, return_tensors="pt"
        ).to(self._model.target_devices[0])
        with torch.inference_mode():
            outputs = self._model.model(inputs, return_dense=True, return_sparse=True, return_colbert_vecs=False)
        dense: Vector = outputs["dense_vecs"].float().cpu().numpy()
        dense /= np.linalg.norm(dense, axis=1, keepdims=True)  # half precision leaves them a little off unit length
        weights: Vector = outputs["sparse_vecs"].squeeze(-1).float().cpu().numpy()
        token_ids = inputs["input_ids"].tolist()
        sparse = [sparse_vector(ids, row, self._special_ids) for ids, row in zip(token_ids, weights, strict=True)]
        return list(zip(dense, sparse, strict=True))


def _scenes(row: dict[str, Any]) -> dict[str, str]:
    """Scene id → what is said, in the order of the scenes; none for a span that failed."""
    if row["failure_code"] is not None or not row["scene_ids"]:
        return {}
    pairs = zip(row["scene_ids"], row["transcripts"], strict=True)
    return {scene_id: transcript["text"].strip() for scene_id, transcript in pairs}


def _stored(vector: SparseVector) -> dict[str, list[int] | list[float]]:
    return {"indices": list(vector.indices), "values": list(vector.values)}
