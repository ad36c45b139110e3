"""Index runs as jobs of a cluster: submitted, watched, stopped half-way, finished by another, and known ever after."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from actors.model_preparation import PreparedModels
from cluster.cli import app
from footage.catalog import Catalog
from footage.leases import is_alive, live_runs
from footage.store_address import open_store
from tests.conftest import PROJECT
from tests.qdrant_server.server import QdrantServer
from tests.ray_head import ray_environment, ray_head
from tests.s3_servers import S3Server

FREE_BOX = b"\0\0\0\x08free"  # at the end of an mp4 it changes nothing but the bytes
COPIES = 2
NAMES = ("coast.mp4", "garage.mp4", "portrait.mp4", "window.mp4", "kitchen_office.mp4")


class Cli:
    """The `footage` command as a user calls it, with the variables that a user has set."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    def __call__(self, *words: str, exit_code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words), env=self._variables)
        assert done.exit_code == exit_code, (words, done.output, done.stderr, done.exception)
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(400)
def test_jobs_are_submitted_watched_stopped_and_finished_by_others(
    moto_s3: S3Server, clips: Path, prepared: PreparedModels, tmp_path: Path
) -> None:
    videos, records = moto_s3.new_bucket(), moto_s3.new_bucket()
    bucket = moto_s3.client()
    for name in NAMES:
        data = (clips / name).read_bytes()
        for copy in range(COPIES):
            bucket.put_object(Bucket=videos, Key=f"films/{copy}/{name}", Body=data + FREE_BOX * copy)
    bucket.put_object(Bucket=videos, Key="first/shapes.mp4", Body=(clips / "shapes_silent.mp4").read_bytes())
    store = f"s3://{records}/footage"
    catalog = Catalog(open_store(store, moto_s3.settings), "default")
    environment = ray_environment(RAY_AUTH_TOKEN=os.environ["RAY_AUTH_TOKEN"], PYTHONPATH="")
    with QdrantServer(tmp_path / "qdrant") as qdrant:
        variables = {
            "FOOTAGE_STORE": store,
            "FOOTAGE_INDEX": qdrant.url,
            "FOOTAGE_PROFILE": "offline",
            "FOOTAGE_S3__ENDPOINT": str(moto_s3.settings.endpoint),
            "FOOTAGE_CAPTIONS__ADAPTER": "off",  # its workers start sooner
            "FOOTAGE_SUMMARIES__ADAPTER": "off",
        }
        with ray_head(environment) as head:
            footage = Cli({**variables, "RAY_DASHBOARD_ADDRESS": head.dashboard})

            # The first is watched from its submission to its end.
            first = footage.json("submit", f"s3://{videos}/first", "--dataset", "shapes")["job"]
            told = _until(lambda: footage.json("status", first), lambda job: job["runs"])
            assert told["state"] == "running"
            assert told["page"] == f"{head.dashboard}/#/jobs/{first}"
            log = footage("logs", first, "--follow")
            assert "1 videos indexed" in log
            assert footage.json("status", first)["state"] == "finished"
            assert list(catalog.datasets.videos("shapes"))

            # A wrong token is a sentence.
            stranger = {**environment, **variables, "RAY_DASHBOARD_ADDRESS": head.dashboard, "RAY_AUTH_TOKEN": "wrong"}
            command = [sys.executable, "-m", "cluster.cli", "jobs"]
            refused = subprocess.run(
                command, cwd=PROJECT, env=stranger, capture_output=True, text=True, check=False, timeout=60
            )
            assert refused.returncode == 1
            assert f"The cluster at {head.dashboard} does not take this token" in refused.stderr, refused.stderr

            # The second is stopped when it has done some of its videos: it gives the others back at once.
            second = footage.json("submit", f"s3://{videos}/films")["job"]
            _until(lambda: len(list(catalog.manifests())), lambda found: found > 1)
            stopped = footage.json("stop", second)
            assert (stopped["stopped"], stopped["state"]) == (True, "interrupted")
            done = stopped["runs"][0]["videos_done"]
            assert 0 < done < len(NAMES) * COPIES
            assert done == len(list(catalog.manifests())) - 1
            now = datetime.now(UTC)
            assert not live_runs(catalog)
            assert not [claim for claim in catalog.claims.all() if is_alive(catalog, claim, now)]
            assert "had ended already" in footage("stop", second)

            # The third does what is left, and nothing twice.
            third = footage.json("submit", f"s3://{videos}/films")["job"]
            going = _until(
                lambda: footage.json("status", third)["runs"], lambda runs: runs and runs[0]["videos_done"] > 0
            )
            footage("logs", third, "--follow")
            ended = footage.json("status", third)
            assert ended["state"] == "finished"
            run = ended["runs"][0]
            assert (run["videos_skipped"], run["videos_done"]) == (done, len(NAMES) * COPIES - done)
            assert going[0]["videos_to_do"] == run["videos_to_do"]
            assert len(list(catalog.manifests())) == len(NAMES) * COPIES + 1

        for address in ("", head.dashboard):  # the cluster is gone
            listed = Cli({**variables, "RAY_DASHBOARD_ADDRESS": address}).json("jobs")["jobs"]
            assert [(job["name"], job["state"]) for job in listed] == [
                (third, "finished"),
                (second, "interrupted"),
                (first, "finished"),
            ]
            assert [job["runs"][0]["videos_done"] for job in listed] == [run["videos_done"], done, 1]


def _until(ask: Callable[[], Any], is_so: Callable[[Any], Any]) -> Any:
    deadline = time.monotonic() + 120
    while True:
        said = ask()
        if is_so(said):
            return said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
