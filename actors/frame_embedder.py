"""Vectors of what is seen."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from actors.torch_runtime import set_up_torch
from footage.errors import ModelMissing
from footage.records import Vector
from footage.settings import FrameSettings


class FrameEmbedder:
    """SigLIP on key frames: a scene's vector is the mean of its frames' unit vectors, made unit again.

    Only the vision tower is loaded; queries use the text tower's ONNX copy. Batches are made of the frames of one call,
    in their order, so the same call always gives the same vectors (see TextEmbedder).

    Args:
        settings: of the frame model.
        folder: PreparedModels.vision_folder.

    Raises:
        ModelMissing: weights of the vision tower are not in the folder.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("visual", pa.list_(pa.list_(pa.float32())))])

    def __init__(self, settings: FrameSettings, folder: Path) -> None:
        set_up_torch()
        import torch
        from transformers import AutoImageProcessor, SiglipVisionModel

        self._settings = settings
        half = settings.use_fp16 and settings.device == "cuda"
        self._model: Any
        self._model, loaded = SiglipVisionModel.from_pretrained(
            str(folder),
            dtype=torch.float16 if half else torch.float32,
            local_files_only=True,
            output_loading_info=True,
        )
        if loaded["missing_keys"]:
            # transformers would go on with random weights.
            raise ModelMissing(
                f"The frame model in {folder} lacks {len(loaded['missing_keys'])} weights of SigLIP's vision tower, "
                f"such as {min(loaded['missing_keys'])}; fetch it again, all files."
            )
        self._model.to(settings.device).eval()
        # The fast processor (torchvision) prepares pictures on the card itself.
        backend = "torchvision" if settings.device == "cuda" else "pil"
        self._processor: Any = AutoImageProcessor.from_pretrained(str(folder), backend=backend, local_files_only=True)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._model.config.hidden_size)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `visual`, one vector per scene; null where a scene has no key frame."""
        rows = spans.select(["failure_code", "scene_ids", "key_frames"]).to_pylist()
        scenes = [_scenes(row) for row in rows]
        vectors = self.embed({scene_id: frames for span in scenes for scene_id, frames in span.items() if frames})
        visual = [[vectors[scene_id].tolist() if scene_id in vectors else None for scene_id in span] for span in scenes]
        field = self.ADDS.field("visual")
        return spans.append_column(field, pa.array(visual, field.type))

    def embed(self, key_frames: Mapping[str, Sequence[bytes]]) -> dict[str, Vector]:
        """The vectors of scenes by their ids: (dimensions,), float32, of unit length.

        Args:
            key_frames: id → JPEG files, at least one.

        Raises:
            ValueError: a key frame is no picture. The decoder wrote it, so this is a bug and not bad input.
        """
        frames = [(scene_id, frame) for scene_id, scene_frames in key_frames.items() for frame in scene_frames]
        unit: dict[str, list[Vector]] = {scene_id: [] for scene_id in key_frames}
        size = self._settings.batch_size
        for first in range(0, len(frames), size):
            batch = frames[first : first + size]
            pictures = [_picture(frame, scene_id) for scene_id, frame in batch]
            for (scene_id, _), vector in zip(batch, self._embed_batch(pictures), strict=True):
                unit[scene_id].append(vector)
        return {scene_id: _unit(np.mean(vectors, axis=0)) for scene_id, vectors in unit.items()}

    def _embed_batch(self, pictures: list[Any]) -> list[Vector]:
        import torch

        inputs = self._processor(images=pictures, return_tensors="pt", device=self._settings.device)
        pixels = inputs["pixel_values"].to(self._settings.device, self._model.dtype)
        with torch.inference_mode():
            features = self._model(pixel_values=pixels).pooler_output.float().cpu().numpy()
        return [_unit(vector) for vector in features]


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def _picture(frame: bytes, scene_id: str) -> Any:
    from PIL import Image

    try:
        return Image.open(io.BytesIO(frame)).convert("RGB")
    except OSError as error:
        raise ValueError(f"A key frame of scene {scene_id} ({len(frame)} bytes) does not decode: {error}") from error


def _scenes(row: dict[str, Any]) -> dict[str, list[bytes]]:
    """Scene id → JPEG files, in the order of the scenes; none for a span that failed."""
    if row["failure_code"] is not None or not row["scene_ids"]:
        return {}
    return dict(zip(row["scene_ids"], row["key_frames"], strict=True))
