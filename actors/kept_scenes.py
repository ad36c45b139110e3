"""What is kept of scenes when only other parts of them are made anew: the stage in place of those that made it."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import pyarrow as pa

from actors.captioner import Captioner
from actors.frame_embedder import FrameEmbedder
from actors.transcriber import Transcriber
from footage.catalog import Catalog
from footage.errors import PartsDiffer
from footage.index import VectorIndex
from footage.index_records import SceneFilter
from footage.kept_parts import REMEDY
from footage.parts import Part
from footage.records import Vector
from footage.sidecar import Sidecar
from footage.sources import source_name
from footage.span_table import replace_column

_ADDS: Mapping[Part, pa.Schema] = {
    Part.SPEECH: Transcriber.ADDS,
    Part.FRAMES: FrameEmbedder.ADDS,
    Part.CAPTIONS: Captioner.ADDS,
}
_READS = ["video_id", "source_uri", "span_index", "scene_ids", "scene_start_s", "scene_end_s", "failure_code"]


class KeptScenes:
    """Fills in the columns of some parts from sidecars and the vector index; keeper_of() gives the class for which.

    What is stored must be of the pipeline that made the video's manifest, or of this run's, of which an earlier run may
    have written some: a third one that was broken off leaves sidecars too. A scene that lacks anything fails its span.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([])

    def __init__(self, catalog: Catalog, index: VectorIndex, fingerprint: str) -> None:
        """Take where scenes are stored, and the fingerprint of this run's pipeline."""
        self._catalog = catalog
        self._index = index
        self._fingerprint = fingerprint

    def __call__(self, spans: pa.Table) -> pa.Table:
        """Append the columns of ADDS, one value per scene; none for spans that failed or have no scenes.

        Raises:
            StoreError: the store cannot be used.
        """
        rows = spans.select(_READS).to_pylist()
        codes, reasons = spans["failure_code"].to_pylist(), spans["failure"].to_pylist()
        kept: list[dict[str, list[Any]]] = []
        for position, row in enumerate(rows):
            values: dict[str, list[Any]] = {}
            if row["failure_code"] is None and row["scene_ids"]:
                try:
                    values = self._of_span(row)
                except PartsDiffer as error:
                    codes[position], reasons[position] = error.code, str(error)
            kept.append(values)
        spans = replace_column(replace_column(spans, "failure_code", codes), "failure", reasons)
        for field in self.ADDS:
            spans = spans.append_column(field, pa.array([values.get(field.name, []) for values in kept], field.type))
        return spans

    def _of_span(self, row: dict[str, Any]) -> dict[str, list[Any]]:
        """The values of one span's columns, all of them, whichever ADDS names."""
        manifest = self._catalog.manifest(row["video_id"])
        indexed_by = self._fingerprint if manifest is None else manifest.pipeline_fingerprint
        sidecars = [self._sidecar(row, scene_id, {indexed_by, self._fingerprint}) for scene_id in row["scene_ids"]]
        values: dict[str, list[Any]] = {
            "transcripts": [sidecar.transcript.model_dump() for sidecar in sidecars],
            "vision_tags": [list(sidecar.vision_tags.items()) for sidecar in sidecars],
            "captions": [sidecar.caption and sidecar.caption.text for sidecar in sidecars],
        }
        if "visual" in self.ADDS.names:
            vectors = self._visual(row, indexed_by)
            for sidecar in sidecars:
                if sidecar.embeddings.vision.has_embedding and vectors.get(sidecar.scene_id) is None:
                    raise self._lacking(row, sidecar.scene_id, "the vector of its pictures is not in the index")
            values["visual"] = [vectors.get(sidecar.scene_id) for sidecar in sidecars]
        return values

    def _sidecar(self, row: dict[str, Any], scene_id: str, pipelines: Collection[str]) -> Sidecar:
        sidecar = self._catalog.sidecar(row["video_id"], scene_id)
        if sidecar is None:
            raise self._lacking(row, scene_id, "it has no sidecar")
        if sidecar.metadata.pipeline_fingerprint not in pipelines:
            raise self._lacking(row, scene_id, "a run with other settings that was broken off has overwritten it")
        return sidecar

    def _visual(self, row: dict[str, Any], indexed_by: str) -> dict[str, Vector | None]:
        """The vectors of the span's pictures, by scene, among those that are searched.

        They are of this run's pipeline where an earlier run of it was broken off before it wrote the manifest.
        """
        where = SceneFilter(
            self._catalog.workspace,
            video_ids=(row["video_id"],),
            start_s=row["scene_start_s"][0],
            end_s=row["scene_end_s"][-1],
        )
        points = self._index.points(where)
        return {
            point.scene_id: point.vectors.visual
            for generation in (self._fingerprint, indexed_by)
            for point in points
            if point.generation == generation
        }

    @staticmethod
    def _lacking(row: dict[str, Any], scene_id: str, what: str) -> PartsDiffer:
        return PartsDiffer(
            f"Scene {scene_id} of span {row['span_index']} of {source_name(row['source_uri'])} cannot be kept as it is:"
            f" {what}. {REMEDY}"
        )


def keeper_of(parts: Collection[Part]) -> type[KeptScenes]:
    """The KeptScenes that fills in what these parts' own stages add."""
    adds = [field for part in Part if part in parts for field in _ADDS[part]]
    return type(KeptScenes.__name__, (KeptScenes,), {"ADDS": pa.schema(adds), "__doc__": KeptScenes.__doc__})
