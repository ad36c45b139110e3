"""Debian's Prometheus, on loopback, with the configuration that footage gives it."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import yaml

from cluster.monitoring import FOLDER, configuration
from tests.ray_head import free_ports

Series = list[tuple[dict[str, str], list[float]]]  # labels and values of each


class Prometheus:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=f"{url}/api/v1", timeout=30)

    def is_ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(httpx2.TransportError):
            return bool(self._client.get("/status/buildinfo").status_code == 200)
        return False

    def ask(self, expr: str, since_s: float, step_s: float = 1) -> Series:
        """What a graph of the last seconds shows, without what is no number."""
        now = time.time()
        asked = {"query": expr, "start": str(now - since_s), "end": str(now), "step": str(step_s)}
        answer = self._client.get("/query_range", params=asked).json()
        assert answer["status"] == "success", f"{expr}: {answer}"
        found = [(one["metric"], [float(value) for _, value in one["values"]]) for one in answer["data"]["result"]]
        return [(labels, numbers) for labels, values in found if (numbers := [x for x in values if x == x])]

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes."""
        active: list[dict[str, Any]] = self._client.get("/targets").json()["data"]["activeTargets"]
        return active

    def rules(self) -> dict[str, str]:
        """The health of each alert rule."""
        groups = self._client.get("/rules").json()["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}


@contextlib.contextmanager
def running_prometheus(folder: Path, discovery: Path) -> Iterator[Prometheus]:
    """Start it and end it.

    Args:
        folder: for its configuration and data.
        discovery: the file in which Ray's head says what there is.
    """
    rules, config = FOLDER / "prometheus" / "alerts.yml", folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(str(discovery), str(rules), every="1s")))
    (port,) = free_ports(1)
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 60
        while not prometheus.is_ready():
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield prometheus
    finally:
        process.terminate()
        process.wait(timeout=30)
