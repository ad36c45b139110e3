"""What is stored of a span and of its scenes: the row that all stages have filled in, as records."""

from collections import Counter
from typing import Any

import numpy as np

from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.completion import most_spoken
from footage.index_records import ScenePoint
from footage.records import SceneVectors, SparseVector, Vector
from footage.sidecar import (
    Sidecar,
    SidecarMetadata,
    SpanRecord,
    StoredCaption,
    StoredEmbedding,
    StoredEmbeddings,
    StoredScene,
    StoredTranscript,
)
from footage.stored_models import StoredModels
from footage.timestamps import utc_now

# The parallel list columns of a span, by what they are to one scene.
_COLUMNS = {
    "scene_id": "scene_ids",
    "start_s": "scene_start_s",
    "end_s": "scene_end_s",
    "thumbnail": "thumbnails",
    "transcript": "transcripts",
    "transcript_dense": "transcript_dense",
    "transcript_sparse": "transcript_sparse",
    "visual": "visual",
    "vision_tags": "vision_tags",
    "caption": "captions",
    "caption_dense": "caption_dense",
}
TAG_DECIMALS = 3  # a thousandth tells tags apart as well as their calibration allows


def scenes_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The scenes of a span, one record each; none has a caption where the row has no `captions`.

    Raises:
        ValueError: the list columns differ in length.
    """
    row = {"captions": [None] * len(row["scene_ids"]), **row}
    columns = [row[column] for column in _COLUMNS.values()]
    return [dict(zip(_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]


class SceneRecords:
    """Makes the records of one pipeline's scenes."""

    def __init__(self, catalog: Catalog, fingerprint: str, models: StoredModels) -> None:
        """Take where they go, which pipeline made them, and with which models."""
        self._catalog = catalog
        self._fingerprint = fingerprint
        self._models = models

    def sidecar(self, row: dict[str, Any], scene: dict[str, Any], index: int, claim: Claim) -> Sidecar:
        """The sidecar of one of scenes_of(row), which is scene number `index` of its video."""
        models = self._models
        caption = scene["caption"]
        return Sidecar(
            workspace=self._catalog.workspace,
            video_id=row["video_id"],
            scene_id=scene["scene_id"],
            index=index,
            start_s=scene["start_s"],
            end_s=scene["end_s"],
            transcript=StoredTranscript.model_validate(scene["transcript"]),
            caption=StoredCaption(text=caption, model=models.caption_model, toy=models.caption_toy)
            if caption
            else None,
            vision_tags=_tags(scene),
            embeddings=StoredEmbeddings(
                text=self._text_embedding(scene["transcript_dense"] is not None),
                vision=StoredEmbedding(
                    model=models.vision_model,
                    dimensions=models.vision_dimensions,
                    has_embedding=scene["visual"] is not None,
                    toy=models.vision_toy,
                ),
                caption=self._text_embedding(scene["caption_dense"] is not None),
            ),
            thumbnail_key=self._catalog.thumbnail_key(row["video_id"], scene["scene_id"]),
            source_uris=[claim.source.uri],
            metadata=SidecarMetadata(
                pipeline_fingerprint=self._fingerprint,
                processed_at=utc_now(),
                stage_seconds=_seconds(row),
            ),
        )

    def point(self, row: dict[str, Any], scene: dict[str, Any], indexed_at: float) -> ScenePoint:
        """One of scenes_of(row) as the index holds it, written at `indexed_at` (POSIX seconds)."""
        sparse = scene["transcript_sparse"]
        return ScenePoint(
            scene_id=scene["scene_id"],
            video_id=row["video_id"],
            workspace=self._catalog.workspace,
            start_s=scene["start_s"],
            end_s=scene["end_s"],
            language=scene["transcript"]["language"],
            generation=self._fingerprint,
            sidecar_key=self._catalog.sidecar_key(row["video_id"], scene["scene_id"]),
            thumbnail_key=self._catalog.thumbnail_key(row["video_id"], scene["scene_id"]),
            vectors=SceneVectors(
                scene_id=scene["scene_id"],
                transcript=_vector(scene["transcript_dense"]),
                transcript_sparse=sparse and SparseVector(tuple(sparse["indices"]), tuple(sparse["values"])),
                visual=_vector(scene["visual"]),
                caption=_vector(scene["caption_dense"]),
            ),
            tags=tuple(_tags(scene)),
            indexed_at=indexed_at,
            claim_generation=row["claim_generation"],
        )

    def span_record(self, row: dict[str, Any], scenes: list[dict[str, Any]], claim: Claim) -> SpanRecord:
        """The record of the span; `scenes` are scenes_of(row)."""
        words: Counter[str] = Counter()
        for transcript in row["transcripts"]:
            said = sum(len(segment["words"]) for segment in transcript["segments"]) or len(transcript["text"].split())
            if said:
                words[transcript["language"]] += said
        return SpanRecord(
            video_id=row["video_id"],
            span=claim.spans[row["span_index"]],
            scenes=[
                StoredScene(scene_id=scene["scene_id"], start_s=scene["start_s"], end_s=scene["end_s"])
                for scene in scenes
            ],
            language=most_spoken(words),
            words_by_language=dict(sorted(words.items())),
            frames_decoded=row["frames_decoded"],
            frames_damaged=row["frames_damaged"],
            pipeline_fingerprint=self._fingerprint,
            claim_generation=claim.generation,
            run_id=row["run_id"],
            committed_at=utc_now(),
            stage_seconds=_seconds(row),
        )

    def _text_embedding(self, has_embedding: bool) -> StoredEmbedding:
        models = self._models
        return StoredEmbedding(
            model=models.text_model,
            dimensions=models.text_dimensions,
            has_embedding=has_embedding,
            toy=models.text_toy,
        )


def _tags(scene: dict[str, Any]) -> dict[str, float]:
    """The tags of a scene, most probable first, by name among equals."""
    rounded = [(tag, round(probability, TAG_DECIMALS)) for tag, probability in scene["vision_tags"]]
    return dict(sorted(rounded, key=lambda one: (-one[1], one[0])))


def _vector(values: list[float] | None) -> Vector | None:
    return None if values is None else np.asarray(values, np.float32)


def _seconds(row: dict[str, Any]) -> dict[str, float]:
    return dict(row["stage_seconds"])
