"""Dense and sparse vectors of what is said, and dense ones of captions."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa

from actors.model_batches import BatchFill, in_batches, release_memory
from actors.model_log import log_loaded
from actors.onnx_towers import sparse_vector
from actors.text_tower_export import HEADS, has_heads
from actors.torch_runtime import loaded_revision, set_up_torch, torch_device
from footage.errors import ModelMissing
from footage.model_settings import TextSettings
from footage.models import model_name
from footage.records import SparseVector, Vector

Id = TypeVar("Id", str, tuple[str, str])

SPARSE = pa.struct([("indices", pa.list_(pa.uint32())), ("values", pa.list_(pa.float32()))])


class TextEmbedder:
    """BGE-M3's class on the transcripts and captions of scenes.

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
            pa.field("caption_dense", pa.list_(pa.list_(pa.float32()))),
        ]
    )

    def __init__(self, settings: TextSettings, folder: Path) -> None:
        if not has_heads(folder):
            raise ModelMissing(f"The text model in {folder} lacks {' or '.join(HEADS)}; fetch it again, all files.")
        set_up_torch()
        from FlagEmbedding import BGEM3FlagModel

        begun = time.monotonic()
        self._settings = settings
        self.fill = BatchFill()
        device = torch_device(settings)
        self._model: Any = BGEM3FlagModel(
            str(folder),
            use_fp16=settings.use_fp16 and settings.device == "cuda",  # on a CPU it is slow, and less exact
            devices=device,  # without a name the class takes every card it sees
            pooling_method=settings.pooling,
        )
        self._model.model.to(device).eval()
        dtype, seconds = str(self._model.model.model.dtype), time.monotonic() - begun
        log_loaded("text model", model_name(settings), device, dtype, loaded_revision(settings, folder), seconds)
        tokenizer = self._model.tokenizer
        special = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        self._special_ids = frozenset(token_id for token_id in special if token_id is not None)

    @property
    def dimensions(self) -> int:
        """Length of a dense vector."""
        return int(self._model.model.config.hidden_size)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `transcript_dense`, `transcript_sparse` and `caption_dense`, one per scene; null where nothing is
        said, or no caption could be had. Without a column `captions` there is none.
        """
        columns = ["failure_code", "scene_ids", "transcripts"]
        captioned = ["captions"] if "captions" in spans.schema.names else []
        rows = spans.select(columns + captioned).to_pylist()
        scenes = [_scenes(row) for row in rows]
        texts = {
            (kind, scene_id): text
            for span in scenes
            for scene_id, said_and_seen in span.items()
            for kind, text in zip(("transcript", "caption"), said_and_seen, strict=True)
            if text
        }
        vectors = self.embed(texts)

        def listed(kind: str, part: int) -> list[list[Any]]:
            return [
                [vectors[kind, scene_id][part] if (kind, scene_id) in vectors else None for scene_id in span]
                for span in scenes
            ]

        sparse = [[_stored(vector) for vector in span] for span in listed("transcript", 1)]
        for field, values in zip(self.ADDS, (listed("transcript", 0), sparse, listed("caption", 0)), strict=True):
            spans = spans.append_column(field, pa.array(values, field.type))
        return spans

    def embed(self, texts: Mapping[Id, str]) -> dict[Id, tuple[Vector, SparseVector]]:
        """The vectors of texts by their ids: dense (dimensions,), float32, of unit length, and sparse.

        Args:
            texts: id → text. Texts of more than max_tokens tokens are cut off there.
        """
        # Texts of like length share a batch, for less padding; the text itself breaks ties.
        ordered = sorted(texts.items(), key=lambda item: (len(item[1]), item[1], item[0]))
        name = f"The text model {model_name(self._settings)}"
        in_order = [text for _, text in ordered]
        found = in_batches(in_order, self._settings.batch_size, self._embed_batch, self.fill, name)
        return dict(zip((text_id for text_id, _ in ordered), found, strict=True))

    def close(self) -> None:
        """Give the model's memory back; the embedder cannot be used any more."""
        del self._model
        release_memory()

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


def _scenes(row: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Scene id → what is said and its caption, in the order of the scenes; none for a span that failed."""
    if row["failure_code"] is not None or not row["scene_ids"]:
        return {}
    captions = row.get("captions") or [None] * len(row["scene_ids"])
    return {
        scene_id: (transcript["text"].strip(), (caption or "").strip())
        for scene_id, transcript, caption in zip(row["scene_ids"], row["transcripts"], captions, strict=True)
    }


def _stored(vector: SparseVector | None) -> dict[str, list[int] | list[float]] | None:
    return None if vector is None else {"indices": list(vector.indices), "values": list(vector.values)}
