"""The vector of a video's description."""

from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from actors.text_embedder import TextEmbedder
from footage.model_settings import TextSettings


class DescriptionEmbedder:
    """The text model on descriptions: one that is longer than its max_tokens is known by its beginning.

    Args:
        settings: of the text model.
        folder: PreparedModels.text_folder.

    Raises:
        ModelMissing: see TextEmbedder.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("description_dense", pa.list_(pa.float32()))])

    def __init__(self, settings: TextSettings, folder: Path) -> None:
        self._embedder = TextEmbedder(settings, folder)

    def __call__(self, videos: pa.Table) -> pa.Table:
        """Append `description_dense`, float32 (dimensions,) of unit length; null where there is no description."""
        rows = videos.select(["video_id", "description"]).to_pylist()
        dense = [self._vector(row["video_id"], row["description"]) for row in rows]
        field = self.ADDS.field("description_dense")
        return videos.append_column(field, pa.array(dense, field.type))

    def _vector(self, video_id: str, description: str | None) -> list[float] | None:
        """One by one: a text's companions in a batch would change its last bits, and descriptions are few."""
        return self._embedder.embed({video_id: description})[video_id][0].tolist() if description else None
