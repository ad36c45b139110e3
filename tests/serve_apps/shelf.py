"""A store with one video in it that was never indexed: its records are written by hand, its file is any bytes."""

from dataclasses import dataclass

from footage import identity
from footage.catalog import Catalog
from footage.sidecar import (
    Sidecar,
    SidecarMetadata,
    StoredEmbedding,
    StoredEmbeddings,
    StoredScene,
    StoredSegment,
    StoredSource,
    StoredTranscript,
    StoredWord,
)
from footage.storage import ObjectStore
from tests.spans import claim_of, manifest_of

NOW = "2026-01-01T12:00:00.000+00:00"
NONE = StoredEmbedding(model="none", dimensions=1, has_embedding=False)
JPEG = b"\xff\xd8\xff\xe0 not really a picture"


@dataclass(frozen=True)
class Shelved:
    """The ids of the video and of its scenes."""

    video_id: str
    scene_ids: tuple[str, ...]


def shelve(store: ObjectStore, *sources: StoredSource, workspace: str = "default", scenes: int = 2) -> Shelved:
    """Put a video with these sources into a store, with scenes of ten seconds."""
    catalog = Catalog(store, workspace)
    video_id = identity.video_id(workspace, sources[0].uri)
    times = [(index * 10.0, (index + 1) * 10.0) for index in range(scenes)]
    ids = tuple(identity.scene_id(video_id, start_s) for start_s, _ in times)
    stored = [StoredScene(scene_id=id_, start_s=a, end_s=b) for id_, (a, b) in zip(ids, times, strict=True)]
    for index, scene in enumerate(stored):
        word = StoredWord(start_s=scene.start_s + 1, end_s=scene.start_s + 3, text=f"scene {index}", probability=1)
        said = StoredSegment(start_s=word.start_s, end_s=word.end_s, text=word.text, words=[word])
        catalog.put_thumbnail(video_id, scene.scene_id, JPEG + bytes([index]))
        catalog.put_sidecar(
            Sidecar(
                workspace=workspace,
                video_id=video_id,
                scene_id=scene.scene_id,
                index=0,  # within its span, as while another pipeline writes: the manifest knows the place
                start_s=scene.start_s,
                end_s=scene.end_s,
                transcript=StoredTranscript(text=said.text, language="en", segments=[said]),
                embeddings=StoredEmbeddings(text=NONE, vision=NONE, caption=NONE),
                thumbnail_key=catalog.thumbnail_key(video_id, scene.scene_id),
                source_uris=[source.uri for source in sources],
                metadata=SidecarMetadata(pipeline_fingerprint="f", processed_at=NOW),
            )
        )
    records = {"workspace": workspace, "video_id": video_id, "sources": list(sources), "scenes": stored}
    catalog.create_manifest(manifest_of(claim_of("shelved", scenes), **records, span_count=1))
    return Shelved(video_id, ids)
