"""A bucket is indexed as a folder is: with sidecars in another bucket, and vectors on a Qdrant server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footage.catalog import Catalog
from footage.index import VectorIndex
from footage.index_address import open_index
from footage.index_records import SceneFilter
from footage.settings import Settings
from footage.storage_settings import SourceSettings
from footage.store_address import open_store
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.bucket_contents import UNSEEN, sixty_objects
from tests.qdrant_server.server import QdrantServer
from tests.s3_servers import S3Server

BY_SERVICE = [pytest.param("moto_s3", id="moto"), pytest.param("ceph_s3", id="ceph", marks=pytest.mark.services)]


@pytest.fixture
def qdrant_url(tmp_path: Path) -> Iterator[str]:
    with QdrantServer(tmp_path / "qdrant") as server:
        yield server.url


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", BY_SERVICE)
def test_a_bucket_gives_what_a_folder_gives(
    request: pytest.FixtureRequest,
    service: str,
    clips: Path,
    uncaptioned: Settings,
    prepared: Any,
    qdrant_url: str,
    tmp_path: Path,
) -> None:
    server: S3Server = request.getfixturevalue(service)
    scratch, folder = tmp_path / "made", tmp_path / "folder"
    scratch.mkdir()
    folder.mkdir()
    chosen = [clips / name for name in ("coast.mp4", "shapes_silent.mp4", "window.mp4")]
    objects = sixty_objects(chosen, scratch)
    videos, records = server.new_bucket(), server.new_bucket()
    for key, content in objects.items():
        server.client().put_object(Bucket=videos, Key=key, Body=content)
    for number, content in enumerate(objects[key] for key in sorted(objects.keys() - UNSEEN.keys())):
        (folder / f"{number}.mp4").write_bytes(content)
    settings = uncaptioned.model_copy(update={"s3": server.settings})
    tidy = uncaptioned.model_copy(update={"sources": SourceSettings(delete_original=True)})

    local = run_index(IndexRequest(str(folder), tmp_path / "store", dataset="all"), tidy)
    remote_request = IndexRequest(f"s3://{videos}", f"s3://{records}/footage", qdrant_url, dataset="all")
    remote = run_index(remote_request, settings)

    assert (remote.videos_found, remote.videos_done, remote.videos_quarantined) == (60, 5, 2)
    for count in ("videos_found", "videos_done", "videos_duplicate", "videos_quarantined", "scenes_done"):
        assert getattr(remote, count) == getattr(local, count), count
    assert remote.stage_calls["VideoDecoder"] == local.stage_calls["VideoDecoder"]
    here = IndexRequest(str(folder), tmp_path / "store")
    assert _content(remote_request, settings) == _content(here, uncaptioned)

    assert (local.originals_deleted, len(list(folder.iterdir()))) == (58, 2)  # those in quarantine are left
    again = run_index(remote_request, settings)
    assert (again.videos_skipped, again.videos_quarantined, again.spans_done) == (58, 2, 0)


def _content(request: IndexRequest, settings: Settings) -> dict[str, Any]:
    """What is stored of each video, but for where it came from and when it was written."""
    catalog = Catalog(open_store(request.store_address, settings.s3), request.workspace)
    spec = _spec(settings)
    index = open_index(request.index_address, spec, settings.qdrant, "a test", wait_s=10, create=False)
    try:
        return {manifest.video_id: _video(catalog, index, manifest) for manifest in catalog.manifests()}
    finally:
        index.close()


def _spec(settings: Settings) -> Any:
    from actors.model_preparation import prepared_models

    models = prepared_models(settings)
    assert models is not None
    return models.index_spec()


def _video(catalog: Catalog, index: VectorIndex, manifest: Any) -> dict[str, Any]:
    sidecars = []
    for scene in manifest.scenes:
        sidecar = catalog.sidecar(manifest.video_id, scene.scene_id)
        assert sidecar is not None
        sidecars.append(json.loads(sidecar.model_dump_json(exclude={"source_uris", "metadata"})))
    points = index.points(SceneFilter(manifest.workspace, (manifest.video_id,)))
    return {
        "scenes": manifest.scenes,
        "sources": len(manifest.sources),
        "datasets": manifest.datasets,
        "language": manifest.language,
        "sidecars": sidecars,
        "thumbnails": [catalog.thumbnail(manifest.video_id, scene.scene_id) for scene in manifest.scenes],
        "points": [
            (
                point.scene_id,
                point.generation,
                point.tags,
                *(
                    None if vector is None else vector.round(4).tolist()
                    for vector in (point.vectors.transcript, point.vectors.visual)
                ),
                point.vectors.transcript_sparse,
            )
            for point in points
        ],
    }
