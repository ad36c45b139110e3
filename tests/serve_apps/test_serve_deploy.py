"""The service as a cluster runs it: `serve deploy` of the committed configuration, a bucket, and a Qdrant server."""

import contextlib
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from actors.model_preparation import PreparedModels
from footage.api_keys import KeyBook
from footage.settings import Settings
from footage.store_address import open_store
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from serve_apps.serve_environment import SERVE_ENVIRONMENT
from tests.conftest import PROJECT
from tests.qdrant_server.server import QdrantServer
from tests.ray_head import PROGRAMS, free_ports, ray_environment, ray_head
from tests.s3_servers import S3Server

CONFIG = PROJECT / "serve_apps" / "serve_config.yaml"


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_committed_configuration_serves_a_bucket_and_a_server(
    moto_s3: S3Server, clips: Path, uncaptioned: Settings, prepared: PreparedModels, tmp_path: Path
) -> None:
    videos, records = moto_s3.new_bucket(), moto_s3.new_bucket()
    moto_s3.client().put_object(Bucket=videos, Key="coast.mp4", Body=(clips / "coast.mp4").read_bytes())
    store = f"s3://{records}/footage"
    key = KeyBook(open_store(store, moto_s3.settings)).create("default", "reader", datetime.now(UTC)).token
    (port,) = free_ports(1)
    with QdrantServer(tmp_path / "qdrant") as qdrant:
        settings = uncaptioned.model_copy(update={"s3": moto_s3.settings})
        assert run_index(IndexRequest(f"s3://{videos}", store, qdrant.url), settings).videos_done == 1
        config = yaml.safe_load(CONFIG.read_text())
        config["http_options"] = {"host": "127.0.0.1", "port": port}
        config["applications"][0]["args"] = {"store": store, "index": qdrant.url, "profile": "offline"}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        # What docs/operations.md has containers set.
        environment = ray_environment(**SERVE_ENVIRONMENT, FOOTAGE_S3__ENDPOINT=str(moto_s3.settings.endpoint))

        with ray_head(environment) as head, _client(f"http://127.0.0.1:{port}", key) as client:
            command = [PROGRAMS / "serve", "deploy", tmp_path / "config.yaml", "--address", head.dashboard]
            subprocess.run(command, env=environment, check=True, timeout=120)
            _until_healthy(client)
            found = client.get("/v1/search", params={"q": "old lighthouse on a rock"})
            assert found.status_code == 200, found.text
            (first, *_) = found.json()["hits"]
            assert (first["name"], "lighthouse" in first["transcript"].lower()) == ("coast.mp4", True)

            picture = client.get(first["thumbnail_url"])
            assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
            leads = client.get(first["play_url"])
            assert leads.status_code == 307
            film = httpx2.get(leads.headers["location"], headers={"Range": "bytes=0-99"})
            assert (film.status_code, film.headers["content-type"]) == (206, "video/mp4")
            assert client.get("/v1/search", params={"q": "x"}, headers={"X-API-Key": "none"}).status_code == 401
            subprocess.run(
                [PROGRAMS / "serve", "shutdown", "--yes", "--address", head.dashboard],
                env=environment,
                check=True,
                timeout=60,
            )


def _client(url: str, key: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, headers={"X-API-Key": key}, timeout=30)


def _until_healthy(client: httpx2.Client) -> None:
    """Wait until all parts answer."""
    deadline = time.monotonic() + 180
    said: Any = None
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            answer = client.get("/v1/health")
            said = answer.text
            if answer.status_code == 200:
                return
        time.sleep(0.5)
    raise AssertionError(said)
