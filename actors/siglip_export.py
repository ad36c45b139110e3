"""Exports SigLIP's towers to ONNX: here the text tower, with the tokenizer that its processor uses."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from actors.onnx_export import ExportDiffers, export_onnx, way_out
from actors.onnx_towers import DESCRIPTION, SENTENCEPIECE, TOKENIZER, SiglipTextTower
from actors.siglip_picture_export import export_siglip_picture_tower
from actors.tower_precision import TOLERANCES
from footage.errors import SettingsError
from footage.model_settings import FrameSettings

# Case, punctuation, odd spaces, nothing, other scripts, words outside the vocabulary, and more than it takes.
TEXTS = (
    "a photo of a red circle on a blue background",
    "A Striped, GREEN background!",
    "  two \n lines\tand -- dashes_ (e-mail: x_y@z) ",
    "",
    "고양이가 창문 옆에서",
    "Füße, naïve café 🙂",
    "a small white square at the top of a dotted yellow background " * 12,
)


def export_siglip(model_folder: Path, settings: FrameSettings, text_folder: Path, picture_folder: Path) -> int:
    """Export both towers as ONNX towers and compare ids and vectors with the Hugging Face classes.

    The ids are always padded to the text model's length: SigLIP reads the last position, and on shorter inputs its
    vectors are wrong without an error. The tower also keeps the scale and the bias of the model's sigmoid.

    Returns:
        The dimensions of their vectors.

    Raises:
        SettingsError: the model is not of SigLIP's architecture (SigLIP 2 NaFlex has another).
        ExportDiffers: on one of TEXTS the token ids differ, or on one of them or of the test pictures the vectors'
            cosine is below the Tolerance of their precision.
    """
    from transformers import AutoModel, AutoProcessor

    kind = json.loads((model_folder / "config.json").read_text()).get("model_type")
    if kind != "siglip":
        raise SettingsError(
            f"The frame model {settings.model} is of type {kind!r}, and footage runs `siglip`: SigLIP, or SigLIP 2 of "
            f"a fixed resolution such as google/siglip2-base-patch16-224; name one of those in frames.model."
        )
    model = AutoModel.from_pretrained(str(model_folder)).float().eval()
    processor = AutoProcessor.from_pretrained(str(model_folder))
    _export_text_tower(model, processor, settings, text_folder)
    export_siglip_picture_tower(model, model_folder, settings, picture_folder)
    return int(model.config.text_config.projection_size)


def _export_text_tower(model: Any, processor: Any, settings: FrameSettings, folder: Path) -> None:
    folder.mkdir(parents=True)
    _lower_case(processor.tokenizer)
    length = model.config.text_config.max_position_embeddings
    ids = processor(text=list(TEXTS), padding="max_length", truncation=True, max_length=length, return_tensors="pt")
    export_onnx(_text_module(model), {"input_ids": ids["input_ids"]}, ["vector"], folder, settings.query_precision)
    description = {
        "length": length,
        "logit_scale": float(model.logit_scale.detach().exp()),
        "logit_bias": float(model.logit_bias.detach()),
        "precision": settings.query_precision,
    }
    _save_tokenizer(processor.tokenizer, description, folder)
    _compare(model, ids["input_ids"], SiglipTextTower(folder), settings)


def _text_module(model: Any) -> Any:
    import torch

    class UnitTextFeatures(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """SigLIP's text features with unit length."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any) -> Any:
            features = self.model.get_text_features(input_ids=input_ids).pooler_output
            return torch.nn.functional.normalize(features, dim=-1)

    return UnitTextFeatures().eval()


def _lower_case(tokenizer: Any) -> None:
    """Make SigLIP 2's tokenizer write small letters, as the model was trained.

    Its checkpoints of a fixed resolution name Gemma's tokenizer, which keeps capitals; only transformers'
    Siglip2Tokenizer, which it takes for NaFlex, lowers them: https://github.com/huggingface/transformers/pull/43101.
    SigLIP 1 has a tokenizer of its own, which does so by itself.
    """
    if tokenizer.is_fast:
        from tokenizers import normalizers

        backend = tokenizer.backend_tokenizer
        known = [normalizers.Lowercase(), *([backend.normalizer] if backend.normalizer is not None else [])]
        backend.normalizer = normalizers.Sequence(known)


def _save_tokenizer(tokenizer: Any, description: dict[str, Any], folder: Path) -> None:
    description["pad_id"] = tokenizer.pad_token_id
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    else:
        shutil.copyfile(tokenizer.vocab_file, folder / SENTENCEPIECE)
        description["eos_id"] = tokenizer.eos_token_id
        description["unknown"] = tokenizer.unk_token
        description["lower_case"] = tokenizer.do_lower_case
    (folder / DESCRIPTION).write_text(json.dumps(description))


def _compare(model: Any, token_ids: Any, tower: SiglipTextTower, settings: FrameSettings) -> None:
    import torch

    with torch.no_grad():
        expected = model.get_text_features(input_ids=token_ids).pooler_output.numpy()
    least_cosine = TOLERANCES[settings.query_precision].least_cosine
    for text, ids, vector in zip(TEXTS, token_ids.tolist(), expected, strict=True):
        same_ids = tower.token_ids(text) == ids
        cosine = float(np.dot(tower.encode(text), vector) / np.linalg.norm(vector))
        if not same_ids or cosine < least_cosine:
            raise ExportDiffers(
                f"The {settings.query_precision} ONNX copy of {settings.model}'s text tower differs from the model on "
                f"{text[:40]!r} (cosine {cosine:.6f}, same token ids: {same_ids}); queries would not find what was "
                f"indexed. {way_out(settings.query_precision, 'frames')}"
            )
