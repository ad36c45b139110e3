"""What scenes show, in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from actors.model_batches import BatchFill
from actors.vision_language import open_vision_language_model
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption


class Captioner:
    """A vision-language model on the key frames of scenes and on what is said in them.

    Args:
        settings: of the captions; `adapter` must not be "off" (the pipeline then has no such stage).
        folder: PreparedModels.caption_folder; None for the adapter `http`.

    Raises:
        ModelMissing: the model is not on this machine, or lacks files.
        SettingsError: the settings ask for what the adapter cannot do.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("captions", pa.list_(pa.string()))])

    def __init__(self, settings: CaptionSettings, folder: Path | None) -> None:
        self._model = open_vision_language_model(settings, folder)

    @property
    def fill(self) -> BatchFill:
        """How full the model's batches were."""
        return self._model.fill

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append `captions`, one per scene; null where there is no key frame, or the model has no caption for it.

        Raises:
            ModelUnavailable: the model server is down or refuses every request.
        """
        rows = spans.select(["failure_code", "scene_ids", "key_frames", "transcripts"]).to_pylist()
        scenes = [list(_scenes(row)) for row in rows]
        seen = [scene for span in scenes for scene in span if scene.key_frames]
        captions = dict(zip((scene.scene_id for scene in seen), self._model.caption(seen), strict=True))
        values = [[captions.get(scene.scene_id) or None for scene in span] for span in scenes]
        field = self.ADDS.field("captions")
        return spans.append_column(field, pa.array(values, field.type))

    def close(self) -> None:
        """Give the model's memory back."""
        self._model.close()


def _scenes(row: dict[str, Any]) -> Iterator[SceneToCaption]:
    """The scenes of a span in order; none of one that failed."""
    if row["failure_code"] is not None or not row["scene_ids"]:
        return
    for scene_id, frames, transcript in zip(row["scene_ids"], row["key_frames"], row["transcripts"], strict=True):
        yield SceneToCaption(scene_id, tuple(frames), transcript["text"].strip())
