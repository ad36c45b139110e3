"""A run on a cluster: its log is JSON, a line an object, and its lease leads to its page on Ray's dashboard."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.leases import live_runs
from footage.structured_log import is_our_line
from tests import media
from tests.ray_head import ray_environment, ray_head


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.nightly
def test_lines_of_workers_arrive_whole_and_the_run_leads_to_the_dashboard(
    prepared: PreparedModels, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    media.write_clip(tmp_path / "videos" / "film.mp4", scenes_s=(3, 3, 3))
    store = tmp_path / "store"
    store.mkdir()
    variables = {
        "FOOTAGE_CAPTIONS__ADAPTER": "off",
        "FOOTAGE_SUMMARIES__ADAPTER": "off",
        "FOOTAGE_DECODER__SPAN_S": "3",
        "FOOTAGE_JOB": "",
    }
    with ray_head(ray_environment(**variables)) as head:
        environment = {**head.environment, "RAY_ADDRESS": head.address}
        command = [sys.executable, "-m", "cluster.cli", "index", str(tmp_path / "videos"), "--profile", "offline"]
        with (tmp_path / "console").open("w+") as console:
            driver = subprocess.Popen(
                [*command, "--store", str(store)], env=environment, stdout=console, stderr=console, cwd=os.getcwd()
            )
            pages: set[str] = set()
            while driver.poll() is None:
                pages |= {lease.dashboard_url for lease in live_runs(Catalog(DirectoryStore(store), "default"))}
                time.sleep(0.2)
            console.seek(0)
            assert driver.returncode == 0, console.read()
        (page,) = pages - {""}
        parts = urlsplit(page)
        assert f"{parts.scheme}://{parts.netloc}" == head.dashboard
        job = parts.fragment.removeprefix("/jobs/")
        headers = {"Authorization": f"Bearer {head.environment['RAY_AUTH_TOKEN']}"}
        known = httpx2.get(f"{head.dashboard}/api/jobs/{job}", headers=headers).raise_for_status().json()
        assert (known["job_id"], known["driver_info"]["pid"]) == (job, str(driver.pid))
    (log,) = (store / "runs").glob("*.log")
    written = log.read_text().splitlines()
    (manifest,) = Catalog(DirectoryStore(store), "default").manifests()
    lines = [json.loads(line) for line in written if is_our_line(line)]
    calls = [
        (line["stage"], line["span"]) for line in lines if line.get("video") == manifest.video_id and "span" in line
    ]
    stages = ("VideoDecoder", "Transcriber", "FrameEmbedder", "TextEmbedder", "SceneWriter")
    assert sorted(calls) == sorted((stage, span) for stage in stages for span in range(3))
    assert not any("repeated" in line for line in written)
