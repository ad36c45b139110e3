"""A store with an index of made-up scenes that a search service can serve, for the benchmark of searches."""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from actors.model_preparation import PreparedModels
from actors.query_encoder import QueryEncoder
from benchmarks.made_scenes import GENERATION, MadeScenes
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_records import SceneFilter, ScenePoint, VectorQuery
from footage.records import EncodedQuery
from footage.sidecar import (
    Manifest,
    Sidecar,
    SidecarMetadata,
    StoredCaption,
    StoredEmbedding,
    StoredEmbeddings,
    StoredScene,
    StoredSource,
    StoredTranscript,
    StoredVideo,
)

WORKSPACE = "default"
LIST_LENGTH = 100  # SearchSettings.candidates, which a page of 20 hits is made of
_MADE_AT = "2026-01-01T00:00:00.000+00:00"
_PROGRESS_EVERY = 200  # videos


def make_store(folder: Path, scenes: int, queries: Sequence[str], prepared: PreparedModels) -> None:
    """Fill an index with so many scenes of one workspace, and write the records of those that the queries find.

    Records of the others would only be files that nobody reads: a scene's sidecar is read when it is a hit.
    """
    path = folder / "index" / "scenes"
    with EmbeddedIndex(path, prepared.index_spec(), "benchmarks") as index:
        for number, video in enumerate(_videos(scenes)):
            index.upsert(video)
            index.publish(WORKSPACE, video[0].video_id, GENERATION)
            if number % _PROGRESS_EVERY == 0:
                print(f"{number * len(video)} of {scenes} scenes", file=sys.stderr, flush=True)
        encoder = QueryEncoder(prepared)
        found: dict[str, set[str]] = {}
        for query in queries:
            lists = index.search(_lists(encoder.encode(query)), SceneFilter(WORKSPACE), LIST_LENGTH)
            for hit in (hit for hits in lists for hit in hits):
                found.setdefault(hit.video_id, set()).add(hit.scene_id)
    catalog = Catalog(DirectoryStore(folder), WORKSPACE)
    for video in _videos(scenes):
        if video[0].video_id in found:
            _write_records(catalog, video, found[video[0].video_id], prepared)


def _videos(scenes: int) -> Iterator[list[ScenePoint]]:
    for video in MadeScenes().videos(scenes):
        yield [dataclasses.replace(point, workspace=WORKSPACE) for point in video]


def _lists(encoded: EncodedQuery) -> list[VectorQuery]:
    return [
        VectorQuery("transcript", encoded.transcript),
        VectorQuery("transcript_sparse", encoded.transcript_sparse),
        VectorQuery("visual", encoded.visual),
        VectorQuery("caption", encoded.transcript),
    ]


def _write_records(catalog: Catalog, video: list[ScenePoint], found: set[str], prepared: PreparedModels) -> None:
    first, last = video[0], video[-1]
    uri = f"file:///films/{first.video_id}.mp4"
    catalog.create_manifest(
        Manifest(
            workspace=WORKSPACE,
            video_id=first.video_id,
            sha256="0" * 64,
            video=StoredVideo(
                duration_s=last.end_s,
                first_frame_s=0,
                width_px=1280,
                height_px=720,
                rotation_deg=0,
                frame_rate=25,
                video_codec="h264",
                has_audio=True,
                has_timestamps=True,
            ),
            sources=[StoredSource(uri=uri, etag="made", size_bytes=1)],
            datasets=[],
            language=first.language,
            span_count=1,
            scenes=[StoredScene(scene_id=scene.scene_id, start_s=scene.start_s, end_s=scene.end_s) for scene in video],
            pipeline_fingerprint=GENERATION,
            run_id="made",
            committed_at=_MADE_AT,
        )
    )
    text = StoredEmbedding(model=prepared.text_name, dimensions=prepared.text_dimensions, has_embedding=True)
    vision = StoredEmbedding(model=prepared.vision_name, dimensions=prepared.vision_dimensions, has_embedding=True)
    for index, scene in enumerate(video):
        if scene.scene_id in found:
            catalog.put_sidecar(
                Sidecar(
                    workspace=WORKSPACE,
                    video_id=scene.video_id,
                    scene_id=scene.scene_id,
                    index=index,
                    start_s=scene.start_s,
                    end_s=scene.end_s,
                    transcript=StoredTranscript(
                        text="What is said during a scene of twelve seconds, about thirty words. " * 3,
                        language=scene.language,
                        segments=[],
                    ),
                    caption=StoredCaption(text="A made-up scene of the benchmark.", model="made"),
                    vision_tags=dict.fromkeys(scene.tags, 0.5),
                    embeddings=StoredEmbeddings(text=text, vision=vision, caption=text),
                    thumbnail_key=scene.thumbnail_key,
                    source_uris=[uri],
                    metadata=SidecarMetadata(pipeline_fingerprint=GENERATION, processed_at=_MADE_AT),
                )
            )
