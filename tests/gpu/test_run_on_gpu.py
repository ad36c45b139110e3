"""A whole run with the gpu profile: four pools on one card."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from footage.settings import Settings
from tests.conftest import PROJECT

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(3600)]


def used_mib() -> int:
    asked = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return sum(int(line) for line in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())


def test_the_samples_are_indexed_by_four_pools_on_one_card(gpu: Settings, clips: Path, tmp_path: Path) -> None:
    before, peak, done = used_mib(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(1.0):
            peak[0] = max(peak[0], used_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    command = [sys.executable, "-m", "cluster.cli", "index", clips, "--profile", "gpu", "--store", tmp_path, "--json"]
    try:
        result = subprocess.run(map(str, command), cwd=PROJECT, capture_output=True, text=True, check=False)
    finally:
        done.set()
        watcher.join()

    assert result.returncode == 0, result.stderr[-4000:]
    report = json.loads(result.stdout)
    videos = len(list(clips.glob("*.*")))
    assert (report["state"], report["videos_done"], report["videos_quarantined"]) == ("finished", videos, 0)
    assert report["worker_deaths"] == {}
    sidecars = [json.loads(file.read_text()) for file in tmp_path.glob("sidecars/*/*/*.json")]
    assert [sidecar["scene_id"] for sidecar in sidecars if not sidecar["caption"]] == []
    print(f"peak of the card: {peak[0] - before} MiB above the {before} MiB before; shown with -s")
