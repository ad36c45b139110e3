"""Several index runs at once over one bucket, with one store and one Qdrant server: each video is worked on once."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.garbage import Inspector
from footage.index_address import index_address, open_index
from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sources import is_present
from footage.store_address import open_store
from tests.qdrant_server.server import QdrantServer
from tests.s3_servers import S3Server

pytestmark = [pytest.mark.ray, pytest.mark.services, pytest.mark.timeout(900)]
LEASE_S = 10


class Jobs:
    """Runs of `footage index` over one bucket, as processes of their own."""

    def __init__(self, server: S3Server, qdrant_url: str, clips: Path, settings: Settings, prepared: PreparedModels):
        self.bucket, records = server.new_bucket(), server.new_bucket()
        self.store = f"s3://{records}/footage"
        self.qdrant_url = qdrant_url
        for path in sorted(clips.iterdir()):
            for folder in ("a", "b"):  # twice each
                server.client().put_object(Bucket=self.bucket, Key=f"{folder}/{path.name}", Body=path.read_bytes())
        self.videos = len(list(clips.iterdir()))
        self.settings = settings.model_copy(update={"s3": server.settings})
        self.spec = prepared.index_spec()
        self.catalog = Catalog(open_store(self.store, server.settings), "default")
        self.environment = os.environ | {
            "FOOTAGE_S3__ENDPOINT": server.settings.endpoint,
            "FOOTAGE_CAPTIONS__ADAPTER": "off",
            "FOOTAGE_SUMMARIES__ADAPTER": "off",
            "FOOTAGE_PIPELINE__LEASE_S": str(LEASE_S),
        }

    def start(self, number: int = 0) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "cluster.cli", "index", f"s3://{self.bucket}", "--store", self.store]
        options = ["--index", self.qdrant_url, "--profile", "offline", "--json", "--dataset", f"set-{number}"]
        return subprocess.Popen(
            [*command, *options], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def report(self, job: "subprocess.Popen[str]") -> dict[str, Any]:
        printed, errors = job.communicate()
        assert job.returncode == 0, errors
        report: dict[str, Any] = json.loads(printed)
        assert report["videos_done"] + report["videos_elsewhere"] + report["videos_duplicate"] + report[
            "videos_skipped"
        ] == (2 * self.videos), errors
        return report

    def check(self) -> None:
        """Everything is there once, and the books balance."""
        manifests = list(self.catalog.manifests())
        assert len(manifests) == self.videos
        assert all(len(manifest.sources) == 2 for manifest in manifests)
        index = open_index(
            index_address(self.store, self.qdrant_url), self.spec, self.settings.qdrant, "a test", create=False
        )
        access = RemoteAccess.of(self.settings)
        inspector = Inspector(self.catalog, index, lambda uri: is_present(uri, access), datetime.now(UTC), grace_s=0)
        try:
            assert list(inspector.find()) == []
        finally:
            index.close()


@pytest.fixture
def jobs(ceph_s3: S3Server, clips: Path, offline: Settings, prepared: PreparedModels, tmp_path: Path) -> Iterator[Jobs]:
    with QdrantServer(tmp_path / "qdrant") as server:
        yield Jobs(ceph_s3, server.url, clips, offline, prepared)


def test_three_runs_share_the_work(jobs: Jobs) -> None:
    started = [jobs.start(number) for number in range(3)]

    reports = [jobs.report(job) for job in started]

    assert sum(report["stage_calls"].get("VideoDecoder", 0) for report in reports) == jobs.videos
    assert sum(report["videos_done"] for report in reports) == jobs.videos
    assert all(manifest.datasets == ["set-0", "set-1", "set-2"] for manifest in jobs.catalog.manifests())
    assert list(jobs.catalog.claims.all()) == []
    jobs.check()


def test_one_of_three_runs_is_killed(jobs: Jobs) -> None:
    seed = random.randrange(1000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    started = [jobs.start(number) for number in range(3)]
    victim = chance.choice(started)
    while not any(jobs.catalog.claims.all()):
        assert any(job.poll() is None for job in started)
        time.sleep(0.2)
    time.sleep(chance.uniform(0, 10))
    victim.kill()
    victim.communicate()

    reports = [jobs.report(job) for job in started if job is not victim]

    assert all(report["state"] == "finished" for report in reports)
    again = jobs.report(jobs.start(started.index(victim)))
    assert again["videos_done"] == 0  # the others have finished all of it
    collect = ["gc", "--grace", "0", "--store", jobs.store, "--index", jobs.qdrant_url, "--profile", "offline"]
    subprocess.run([sys.executable, "-m", "cluster.cli", *collect], env=jobs.environment, check=True)
    jobs.check()
