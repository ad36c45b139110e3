"""Writes descriptions: the vector into the index, then the text into the video's manifest."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from footage.catalog import Catalog
from footage.index import VectorIndex
from footage.index_records import VideoPoint
from footage.sidecar import Manifest, StoredDescription
from footage.span_table import table_of
from footage.timestamps import utc_now
from footage.video_table import VIDEO

DESCRIBED = pa.schema(
    [
        VIDEO.field("run_id"),
        VIDEO.field("source_uri"),
        VIDEO.field("video_id"),
        pa.field("status", pa.string(), nullable=False),  # described, nothing_to_tell, failed or gone
        pa.field("code", pa.string()),  # of a failure that is not the video's
        pa.field("reason", pa.string()),
        VIDEO.field("stage_seconds"),
    ]
)


class DescriptionWriter:
    """Stores what is written about videos. The vector goes first: a manifest with a description says it can be found.

    A writer may be killed in between and do it again: the point of a video and its place in the manifest are written
    over; then the mark goes by which runs find what is to be described. A video that is gone, or that another pipeline
    has indexed since it set out, is left alone.

    Where there is nothing to tell, an empty text without a vector is stored, so that no later run reads the video and
    loads the models for it again. Where the model gave no answer nothing is stored: the next run asks it once more.

    Args:
        catalog: of the workspace whose videos come.
        index: where vectors go.
        pipeline_fingerprint: of the scenes that are told.
        stored: what is stored of every description; text and time are filled in.
    """

    RETURNS: ClassVar[pa.Schema] = DESCRIBED

    def __init__(
        self, catalog: Catalog, index: VectorIndex, pipeline_fingerprint: str, stored: StoredDescription
    ) -> None:
        self._catalog = catalog
        self._index = index
        self._pipeline_fingerprint = pipeline_fingerprint
        self._stored = stored

    def __call__(self, videos: pa.Table) -> pa.Table:
        """Write a table of videos with the columns of all stages; gives one row of DESCRIBED per video.

        Raises:
            StoreError: the store cannot be used.
            IndexMismatch: the index is of another text model.
        """
        return table_of([self._write(row) for row in videos.to_pylist()], DESCRIBED)

    def _write(self, row: dict[str, Any]) -> dict[str, Any]:
        kept = {name: row[name] for name in DESCRIBED.names if name in row}
        return kept | {"status": self._store(row), "code": row["failure_code"], "reason": row["failure"]}

    def _store(self, row: dict[str, Any]) -> str:
        if row["failure_code"] is not None:
            return "failed"
        manifest = self._catalog.manifest(row["video_id"])
        if manifest is None or not self._is_ours(manifest):
            return "gone"
        text = row["description"] or ""
        if row["lines"] and not text:
            return "failed"
        if text:
            vector = np.asarray(row["description_dense"], np.float32)
            self._index.put_descriptions([VideoPoint(manifest.video_id, manifest.workspace, manifest.language, vector)])
        embedding = self._stored.embedding.model_copy(update={"has_embedding": bool(text)})
        description = self._stored.model_copy(update={"text": text, "embedding": embedding, "described_at": utc_now()})
        changed = self._catalog.change_manifest(
            row["video_id"],
            lambda held: held.model_copy(update={"description": description}) if self._is_ours(held) else held,
        )
        if changed is None or not self._is_ours(changed):
            return "gone"
        self._catalog.pending.remove("describe", row["video_id"])
        return "described" if text else "nothing_to_tell"

    def _is_ours(self, manifest: Manifest) -> bool:
        return manifest.pipeline_fingerprint == self._pipeline_fingerprint
