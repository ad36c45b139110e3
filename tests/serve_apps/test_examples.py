"""The examples of docs/using-the-api.md, run as they stand there against a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.backend import Backend
from tests.serve_apps.served import running

PAGE = Path(__file__).parents[2] / "docs" / "using-the-api.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def environment(samples_backend: Backend) -> Iterator[dict[str, str]]:
    """Of a program that knows a service with keys."""
    access = Access(samples_backend.store, samples_backend.settings.serve, None)
    key = access.keys.create("default", "reader", datetime.now(UTC))
    with running(make_api(samples_backend, access)) as url:
        yield {**os.environ, "FOOTAGE_URL": url, "FOOTAGE_KEY": key.token, "NO_PROXY": "127.0.0.1"}


def test_the_python_client(environment):
    (program,), (wanted,) = blocks("python"), blocks("text")
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (wanted, "")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_lines_of_curl(environment, tmp_path):
    script = "set -euo pipefail\n" + "\n".join(blocks("bash"))
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr.replace("\n", "")) == (0, "curl: (22) The requested URL returned error: 422")
    read = {path.stem: json.loads(path.read_bytes()) for path in tmp_path.glob("*.json")}
    best = read["found"]["hits"][0]
    assert best["name"] == "garage.mp4"
    assert (tmp_path / "scene.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert (tmp_path / "beginning.bin").stat().st_size == 1024
    assert "brake pads" in (tmp_path / "subtitles.srt").read_text()
    assert read["by_picture"]["hits"][0]["scene_id"] == best["scene_id"]
    assert read["similar"]["hits"][0]["scene_id"] != best["scene_id"]
    assert len(read["library"]["videos"]) == 8
    assert read["about"]["videos"][0]["score"] >= read["about"]["videos"][1]["score"]
    assert read["problem"]["detail"] == "There is no parameter 'colour'; /docs lists those of this route."
