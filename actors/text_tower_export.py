"""Makes of a text model what footage needs: a folder that BGE-M3's class loads, and the ONNX tower for queries."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from actors.onnx_export import ExportDiffers, export_onnx, way_out
from actors.onnx_towers import DESCRIPTION, TOKENIZER, TextTower
from actors.tower_precision import TOLERANCES
from footage.errors import ModelMissing
from footage.model_settings import TextSettings

HEADS = ("sparse_linear.pt", "colbert_linear.pt")
SENTENCE_MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "special_tokens_map.json", "vocab.txt")
# One word, a sentence, punctuation, nothing, other scripts, an emoji, and more tokens than the model takes.
TEXTS = (
    "lighthouse",
    "Please replace the front brake pads before you change the oil in the engine.",
    'a "red" car -- at NIGHT?! (e-mail: x_y)',
    "",
    "고양이가 창문 옆에서 자고 있습니다",
    "Füße, naïve café 🙂",
    "the quarterly budget meeting starts on Tuesday " * 120,
)


def has_heads(folder: Path) -> bool:
    """Whether the folder holds the sparse and the ColBERT head of a BGE-M3. Without them the class takes random
    ones.
    """
    return all((folder / name).is_file() for name in HEADS)


def is_mean_pooled_sentence_model(folder: Path) -> bool:
    """Whether this is a sentence-transformers model that takes the mean of its token vectors, such as all-MiniLM."""
    pooling = folder / "1_Pooling" / "config.json"
    return pooling.is_file() and json.loads(pooling.read_text()).get("pooling_mode_mean_tokens") is True


def make_text_model(source: Path, settings: TextSettings, folder: Path) -> bool:
    """Fill `folder` with a model that BGE-M3's class loads, from a plain sentence model.

    The dense vector is the model's own. Its sparse vector gives every token the weight 1 (an index that weighs tokens
    by their rarity makes a keyword search of it), and the ColBERT head, which footage does not use, is the identity.
    Files are copied, since a link into an installed package would dangle once that is rebuilt.

    Returns:
        False where `source` has the heads already: nothing was made, and it is to be used as it is.

    Raises:
        ModelMissing: the heads are missing and this is no plain sentence model.
    """
    if has_heads(source):
        return False
    if settings.pooling != "mean" or not is_mean_pooled_sentence_model(source):
        raise ModelMissing(
            f"The text model {settings.model} in {source} lacks {' and '.join(HEADS)}, without which its sparse "
            f"vectors would be random: fetch it again, all files, or use `--profile offline`."
        )
    import torch

    folder.mkdir(parents=True)
    for name in SENTENCE_MODEL_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    tokenizer = json.loads((source / "tokenizer_config.json").read_text())
    # BGE-M3's class leaves the end token out of sparse vectors, but BERT's tokenizer names its own only `sep_token`.
    tokenizer["eos_token"] = tokenizer["sep_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    hidden = json.loads((source / "config.json").read_text())["hidden_size"]
    sparse = {"weight": torch.zeros(1, hidden), "bias": torch.ones(1)}
    colbert = {"weight": torch.eye(hidden), "bias": torch.zeros(hidden)}
    torch.save(sparse, folder / HEADS[0])
    torch.save(colbert, folder / HEADS[1])
    return True


def export_text_tower(model_folder: Path, settings: TextSettings, folder: Path) -> int:
    """Export dense vector and token weights as an ONNX tower and compare it with BGE-M3's class.

    Returns:
        The dimensions of the dense vector.

    Raises:
        ExportDiffers: on one of TEXTS the tower is further from its model than its precision's Tolerance.
    """
    from FlagEmbedding import BGEM3FlagModel

    folder.mkdir(parents=True)
    original = BGEM3FlagModel(
        str(model_folder), use_fp16=False, devices="cpu", pooling_method=settings.pooling, batch_size=len(TEXTS) + 1
    )
    tokenizer = original.tokenizer
    example = tokenizer(list(TEXTS[:2]), padding=True, return_tensors="pt")
    inputs = {name: example[name] for name in ("input_ids", "attention_mask")}
    export_onnx(_text_module(original.model), inputs, ["dense", "token_weights"], folder, settings.query_precision)

    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    special = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
    description = {
        "special_ids": sorted({token_id for token_id in special if token_id is not None}),
        "max_tokens": settings.max_tokens,
        "precision": settings.query_precision,
    }
    (folder / DESCRIPTION).write_text(json.dumps(description))
    return _compare(original, TextTower(folder), settings)


def _text_module(m3: Any) -> Any:
    import torch

    class DenseAndTokenWeights(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """The parts of BGE-M3 that a query needs, in one graph."""

        def __init__(self) -> None:
            super().__init__()
            self.m3 = m3

        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any, Any]:
            hidden = self.m3.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            dense = self.m3._dense_embedding(hidden, attention_mask)
            weights = torch.relu(self.m3.sparse_linear(hidden))
            return torch.nn.functional.normalize(dense, dim=-1), weights.squeeze(-1)

    return DenseAndTokenWeights().eval()


def _compare(original: Any, tower: TextTower, settings: TextSettings) -> int:
    tolerance = TOLERANCES[settings.query_precision]
    expected = original.encode(list(TEXTS), max_length=settings.max_tokens, return_dense=True, return_sparse=True)
    for text, dense, weights in zip(TEXTS, expected["dense_vecs"], expected["lexical_weights"], strict=True):
        found, sparse = tower.encode(text)
        cosine = float(np.dot(found, dense) / np.linalg.norm(dense))
        known = {int(token_id): float(weight) for token_id, weight in weights.items()}
        exported = dict(zip(sparse.indices, sparse.values, strict=True))
        # A token that only one of them has weighs next to nothing there, or the difference says so.
        differences = [abs(known.get(token, 0.0) - exported.get(token, 0.0)) for token in known | exported]
        off = max(differences, default=0.0)
        if cosine < tolerance.least_cosine or off > tolerance.most_sparse_difference:
            raise ExportDiffers(
                f"The {settings.query_precision} ONNX copy of the text model {settings.model} differs from the model "
                f"on {text[:40]!r} (cosine {cosine:.6f}, a token's weight is off by {off:.6f}); queries would not find "
                f"what was indexed. {way_out(settings.query_precision, 'text')}"
            )
    return int(expected["dense_vecs"].shape[1])
