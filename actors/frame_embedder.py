"""Vectors and tags of what is seen."""

import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from actors.model_batches import BatchFill, in_batches, release_memory
from actors.model_log import log_loaded
from actors.torch_runtime import loaded_revision, set_up_torch, torch_device
from actors.vision_tags import VisionTagger
from footage.errors import ModelMissing
from footage.model_settings import FrameSettings, TagSettings
from footage.models import model_name
from footage.records import Vector


class FrameEmbedder:
    """SigLIP on key frames: a scene's vector is the mean of its frames' unit vectors, made unit again; its tags are
    those of a vocabulary that fit the frames.

    Only the vision tower is loaded; queries and tags use the text tower's ONNX copy. Batches are made of the frames of
    one call, in their order, so the same call always gives the same vectors (see TextEmbedder).

    Args:
        settings: of the frame model.
        folder: PreparedModels.vision_folder.
        tags: vocabulary, threshold and number of the tags.
        tower_folder: PreparedModels.vision_tower_folder; not read where `tags` has no vocabulary.

    Raises:
        ModelMissing: weights of the vision tower are not in the folder.
        SettingsError: the vocabulary is not there or wrong.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("visual", pa.list_(pa.list_(pa.float32()))),
            pa.field("vision_tags", pa.list_(pa.map_(pa.string(), pa.float64()))),
        ]
    )

    def __init__(self, settings: FrameSettings, folder: Path, tags: TagSettings, tower_folder: Path) -> None:
        self._device = torch_device(settings)
        # First, so that a wrong vocabulary is said before time is spent, and both towers are never on a card together.
        self._tagger = VisionTagger(tags, tower_folder, folder, self._device) if tags.vocabulary else None
        set_up_torch()
        import torch
        from transformers import AutoImageProcessor, SiglipVisionModel

        begun = time.monotonic()
        self._settings = settings
        self.fill = BatchFill()
        half = settings.use_fp16 and settings.device == "cuda"  # on a CPU it is slow, and less exact
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
        self._model.to(self._device).eval()
        # The fast processor (torchvision) prepares pictures on the card itself.
        backend = "torchvision" if settings.device == "cuda" else "pil"
        self._processor: Any = AutoImageProcessor.from_pretrained(str(folder), backend=backend, local_files_only=True)
        revision = loaded_revision(settings, folder)
        dtype, seconds = str(self._model.dtype), time.monotonic() - begun
        log_loaded("frame model", model_name(settings), self._device, dtype, revision, seconds)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._model.config.hidden_size)

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `visual` and `vision_tags`, one per scene: null and no tags where a scene has no key frame."""
        rows = spans.select(["failure_code", "scene_ids", "key_frames"]).to_pylist()
        scenes = [_scenes(row) for row in rows]
        pictures = self._pictures({scene_id: frames for span in scenes for scene_id, frames in span.items() if frames})
        visual = [[_mean(pictures[scene_id]) if scene_id in pictures else None for scene_id in span] for span in scenes]
        tags = [[self._tags(pictures.get(scene_id, [])) for scene_id in span] for span in scenes]
        for field, values in zip(self.ADDS, (visual, tags), strict=True):
            spans = spans.append_column(field, pa.array(values, field.type))
        return spans

    def embed(self, key_frames: Mapping[str, Sequence[bytes]]) -> dict[str, Vector]:
        """The vectors of scenes by their ids: (dimensions,), float32, of unit length.

        Args:
            key_frames: id → JPEG files, at least one.

        Raises:
            ValueError: a key frame is no picture. The decoder wrote it, so this is a bug and not bad input.
        """
        return {scene_id: _mean(vectors) for scene_id, vectors in self._pictures(key_frames).items()}

    def tags(self, key_frames: Mapping[str, Sequence[bytes]]) -> dict[str, dict[str, float]]:
        """The tags of scenes by their ids: tag → probability, the most probable first. As embed()."""
        return {scene_id: dict(self._tags(vectors)) for scene_id, vectors in self._pictures(key_frames).items()}

    def close(self) -> None:
        """Give the model's memory back; the embedder cannot be used any more."""
        del self._model, self._processor
        self._tagger = None
        release_memory()

    def _pictures(self, key_frames: Mapping[str, Sequence[bytes]]) -> dict[str, list[Vector]]:
        """The unit vectors of the key frames of scenes, by the scenes' ids."""
        frames = [(scene_id, frame) for scene_id, scene_frames in key_frames.items() for frame in scene_frames]
        name = f"The frame model {model_name(self._settings)}"
        found = in_batches(frames, self._settings.batch_size, self._embed_batch, self.fill, name)
        vectors: dict[str, list[Vector]] = {scene_id: [] for scene_id in key_frames}
        for (scene_id, _), vector in zip(frames, found, strict=True):
            vectors[scene_id].append(vector)
        return vectors

    def _embed_batch(self, frames: Sequence[tuple[str, bytes]]) -> list[Vector]:
        import torch

        pictures = [_picture(frame, scene_id) for scene_id, frame in frames]
        inputs = self._processor(images=pictures, return_tensors="pt", device=self._device)
        pixels = inputs["pixel_values"].to(self._device, self._model.dtype)
        with torch.inference_mode():
            features = self._model(pixel_values=pixels).pooler_output.float().cpu().numpy()
        return [_unit(vector) for vector in features]

    def _tags(self, pictures: Sequence[Vector]) -> list[tuple[str, float]]:
        return list(self._tagger.tags(pictures).items()) if self._tagger is not None else []


def _mean(vectors: Sequence[Vector]) -> Vector:
    return _unit(np.mean(vectors, axis=0))


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
