"""Spans as they reach the SceneWriter, made without decoding or models."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa

from actors.captioner import Captioner
from actors.frame_embedder import FrameEmbedder
from actors.text_embedder import TextEmbedder
from actors.transcriber import Transcriber
from actors.video_decoder import VideoDecoder
from footage import identity
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.index_records import IndexSpec
from footage.sidecar import Manifest, StoredSource, StoredSpan, StoredVideo
from footage.span_table import SPAN, table_of
from footage.stored_models import StoredModels

WORKSPACE = "studio"
FINGERPRINT = "0123456789abcdef"
READ_AT = "2026-01-01T00:00:00+00:00"
SPEC = IndexSpec("text-model", 4, "vision-model", 3, sparse_idf=True)
MODELS = StoredModels(
    "text-model", 4, "vision-model", 3, vision_toy=True, caption_model="caption-model", caption_toy=True
)

# by the pipeline, once their readers are done
DROPPED = {"key_frames", "audio_s16", "audio_start_s", "language_audio_s16"}
WRITTEN = pa.schema(
    [
        *SPAN,
        *(field for field in VideoDecoder.ADDS if field.name not in DROPPED),
        *Transcriber.ADDS,
        *FrameEmbedder.ADDS,
        *Captioner.ADDS,
        *TextEmbedder.ADDS,
    ]
)


def unit(*numbers: float) -> np.ndarray:
    vector = np.asarray(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def source_of(name: str, etag: str = "e1") -> StoredSource:
    return StoredSource(uri=f"file:///films/{name}.mp4", etag=etag, size_bytes=1000)


def claim_of(name: str, span_count: int, run_id: str = "run-1", fingerprint: str = FINGERPRINT) -> Claim:
    """A claim of a video of `span_count` spans of 10 s; its content is named after its source."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    duration_s = 10.0 * span_count
    return Claim(
        video_id=identity.video_id(WORKSPACE, sha256),
        run_id=run_id,
        source=source_of(name),
        sha256=sha256,
        video=StoredVideo(
            duration_s=duration_s,
            first_frame_s=0.0,
            width_px=64,
            height_px=36,
            rotation_deg=0,
            frame_rate=25.0,
            video_codec="h264",
            has_audio=True,
            has_timestamps=True,
        ),
        spans=[StoredSpan(index=i, start_s=10.0 * i, end_s=10.0 * (i + 1)) for i in range(span_count)],
        pipeline_fingerprint=fingerprint,
        claimed_at=READ_AT,
    )


def manifest_of(claim: Claim, **changes: object) -> Manifest:
    """The manifest of a claimed video that turned out to have no scenes."""
    fields = {
        "workspace": WORKSPACE,
        "video_id": claim.video_id,
        "sha256": claim.sha256,
        "video": claim.video,
        "sources": [claim.source],
        "datasets": [],
        "language": "en",
        "span_count": len(claim.spans),
        "scenes": [],
        "pipeline_fingerprint": claim.pipeline_fingerprint,
        "run_id": claim.run_id,
        "committed_at": "2026-01-01T00:00:00+00:00",
    }
    return Manifest.model_validate(fields | changes)


def take(catalog: Catalog, claim: Claim) -> Claim:
    """The claim as a run takes it over from whoever had the video, or indexes it anew."""
    manifest = catalog.manifest(claim.video_id)
    generation = 1 if manifest is None else manifest.claim_generation + 1
    taken = claim.model_copy(update={"generation": generation, "resumes_from": generation})
    catalog.claims.delete(claim.video_id)
    assert catalog.claims.create(taken)
    return taken


def transcript(text: str, language: str, start_s: float) -> dict[str, Any]:
    if not text:
        return {"text": "", "language": "", "segments": []}
    words = [
        {"start_s": start_s + i, "end_s": start_s + i + 0.5, "text": word, "probability": 0.9}
        for i, word in enumerate(text.split())
    ]
    segment = {"start_s": start_s, "end_s": start_s + len(words), "text": text, "words": words}
    return {"text": text, "language": language, "segments": [segment]}


def span_row(
    claim: Claim, index: int, texts: tuple[str, ...] = ("red car", ""), language: str = "en", **changes: Any
) -> dict[str, Any]:
    """A span whose scenes, of equal length, say `texts` (an empty one: silence, and no vectors of text).

    Each is captioned, and tagged with a tag of its own and a more probable one that all have.
    """
    span = claim.spans[index]
    edges = np.linspace(span.start_s, span.end_s, len(texts) + 1).tolist()
    starts, ends = edges[:-1], edges[1:]
    return {
        "run_id": claim.run_id,
        "workspace": WORKSPACE,
        "dataset": None,
        "source_uri": claim.source.uri,
        "source_etag": claim.source.etag,
        "source_size_bytes": claim.source.size_bytes,
        "path": b"/films/x.mp4",
        "video_id": claim.video_id,
        "read_at": claim.claimed_at,
        "claim_generation": claim.generation,
        "span_index": index,
        "span_count": len(claim.spans),
        "span_start_s": span.start_s,
        "span_end_s": span.end_s,
        "duration_s": claim.video.duration_s,
        "first_frame_s": 0.0,
        "has_audio": True,
        "has_timestamps": True,
        "duplicate": False,
        "elsewhere": False,
        "failure_code": None,
        "failure": None,
        "stage_seconds": [("VideoDecoder", 1.5)],
        "scene_ids": [identity.scene_id(claim.video_id, start) for start in starts],
        "scene_start_s": starts,
        "scene_end_s": ends,
        "thumbnails": [f"jpeg {start}".encode() for start in starts],
        "frames_decoded": 250,
        "frames_damaged": 0,
        "transcripts": [transcript(text, language, start) for text, start in zip(texts, starts, strict=True)],
        "visual": [unit(1, start, 1).tolist() for start in starts],
        "transcript_dense": [
            unit(1, 2, 3, start).tolist() if text else None for text, start in zip(texts, starts, strict=True)
        ],
        "transcript_sparse": [{"indices": [7, 9], "values": [0.5, 0.25]} if text else None for text in texts],
        "vision_tags": [[(f"from {start:g}", 0.25), ("outdoor", 0.81249)] for start in starts],
        "captions": [f"A car at {start:g} s." for start in starts],
        "caption_dense": [unit(start, 1, 0, 1).tolist() for start in starts],
    } | changes


def bare_row(claim: Claim, **changes: Any) -> dict[str, Any]:
    """A row that carries no scenes: a duplicate, or a failure."""
    empty = {name: None for name in WRITTEN.names if name not in SPAN.names}
    lists = {name: [] for name in empty if pa.types.is_list(WRITTEN.field(name).type)}
    times = ("span_start_s", "span_end_s", "duration_s")
    nothing = dict.fromkeys(("claim_generation", "span_index", "span_count", *times))
    return {**span_row(claim, 0), **empty, **lists, **nothing, "stage_seconds": []} | changes


def spans(*rows: dict[str, Any], schema: pa.Schema = WRITTEN) -> pa.Table:
    return table_of(list(rows), schema)
