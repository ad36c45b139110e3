"""Points of a vector index, and the engines that every test of one runs on. A new engine joins `ENGINES`.

`server` is a ServerIndex over gRPC against tests/qdrant_server, which every run of the tests starts. `real` is a
ServerIndex against the Qdrant server that QDRANT_URL names (`http://host:6334`, the port of gRPC; QDRANT_API_KEY if it
wants a key): it is among the engines, and so among the tests, only where that is set.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from footage import identity
from footage.embedded_index import EmbeddedIndex
from footage.index import VectorIndex
from footage.index_records import IndexSpec, SceneFilter, ScenePoint, VideoPoint
from footage.records import SceneVectors, SparseVector
from footage.server_index import ServerIndex
from footage.server_swap import unused_generations
from footage.storage_settings import QdrantSettings

SPEC = IndexSpec("text-model", 4, "vision-model", 3, sparse_idf=True)
ALL = SceneFilter("home", live_only=False)
LIVE = SceneFilter("home")

Open = Callable[[], VectorIndex]


ENGINES = ("embedded", "server", "real") if os.environ.get("QDRANT_URL") else ("embedded", "server")


def open_engine(engine: str, root: Path, qdrant_url: str) -> VectorIndex:
    """The index of an engine that belongs to a test's folder.

    Args:
        engine: one of ENGINES.
        root: folder of the test; on a server, the names of collections follow from it.
        qdrant_url: of the tests' server, for the engine `server`.
    """
    if engine == "embedded":
        return EmbeddedIndex(root / "index" / "scenes", SPEC, owner="a test")
    if engine == "server":
        return ServerIndex(qdrant_url, SPEC, server_settings(root))
    key = os.environ.get("QDRANT_API_KEY", "")
    return ServerIndex(os.environ["QDRANT_URL"], SPEC, server_settings(root, api_key=key))


def server_settings(root: Path, **changes: Any) -> QdrantSettings:
    """Settings under which a test's collections have names of their own, and failures come soon."""
    name = "test-" + hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return QdrantSettings(**{"collection": name, "patience_s": 10, "batch_points": 128} | changes)


def drop(index: VectorIndex) -> None:
    """Close an index that no test needs any more, and remove it from a server that goes on."""
    if isinstance(index, ServerIndex):
        drop_collections(index)
    index.close()


def drop_collections(index: ServerIndex) -> None:
    held = index.collections()
    for name in {held.scenes, held.videos, *unused_generations(index)}:
        index.connection.call(lambda client, name=name: client.delete_collection(name))


def scene(name: str, **changes: Any) -> ScenePoint:
    """The scene that begins at `name`'s second of video `v`: `v1/20` at 20 s of v1."""
    video, _, start = name.partition("/")
    workspace = changes.get("workspace", "home")
    video_id = identity.video_id(workspace, video)
    scene_id = identity.scene_id(video_id, float(start))
    fields: dict[str, Any] = {
        "scene_id": scene_id,
        "video_id": video_id,
        "workspace": workspace,
        "start_s": float(start),
        "end_s": float(start) + 10,
        "language": "en",
        "generation": "g1",
        "sidecar_key": f"sidecars/home/{video_id}/{scene_id}.json",
        "thumbnail_key": f"thumbnails/home/{video_id}/{scene_id}.jpg",
        "vectors": vectors(scene_id),
    }
    return ScenePoint(**fields | changes)


def vectors(
    scene_id: str,
    transcript: list[float] | None = None,
    sparse: dict[int, float] | None = None,
    visual: list[float] | None = None,
    caption: list[float] | None = None,
) -> SceneVectors:
    return SceneVectors(
        scene_id,
        None if transcript is None else np.asarray(transcript, np.float32),
        None if sparse is None else SparseVector(tuple(sparse), tuple(sparse.values())),
        None if visual is None else np.asarray(visual, np.float32),
        None if caption is None else np.asarray(caption, np.float32),
    )


def seen(point: ScenePoint, **parts: Any) -> ScenePoint:
    return replace(point, vectors=vectors(point.scene_id, **parts))


def video(name: str, vector: list[float], workspace: str = "home", language: str = "en") -> VideoPoint:
    return VideoPoint(identity.video_id(workspace, name), workspace, language, np.asarray(vector, np.float32))


def described(index: VectorIndex, workspace: str = "home") -> list[tuple[str, str, str, list[float]]]:
    """All that is held of a workspace's descriptions, vectors up to the rounding of a normalisation."""
    points = index.descriptions(workspace)
    return [(point.video_id, point.workspace, point.language, point.vector.round(5).tolist()) for point in points]


def as_described(*points: VideoPoint) -> list[tuple[str, str, str, list[float]]]:
    rows = [(point.video_id, point.workspace, point.language, point.vector.round(5).tolist()) for point in points]
    return sorted(rows)


def write(index: VectorIndex, *points: ScenePoint) -> None:
    """Upsert and publish."""
    index.upsert(points)
    for workspace, video_id, generation in {(p.workspace, p.video_id, p.generation) for p in points}:
        index.publish(workspace, video_id, generation)


def names(index: VectorIndex, where: SceneFilter) -> set[str]:
    assert index.count(where) == len(index.points(where))
    return {point.scene_id for point in index.points(where)}


def ids(*points: ScenePoint) -> set[str]:
    return {point.scene_id for point in points}


def same(one: ScenePoint, other: ScenePoint) -> bool:
    """Whether two points are equal, dense vectors within the rounding of a normalisation."""
    for name in ("transcript", "visual", "caption"):
        a, b = getattr(one.vectors, name), getattr(other.vectors, name)
        if (a is None) != (b is None) or (a is not None and not np.allclose(a, b, atol=1e-6)):
            return False
    sparse = one.vectors.transcript_sparse == other.vectors.transcript_sparse
    return sparse and replace(one, vectors=other.vectors) == other
