"""A Ray head of its own for a test, started as a cluster's head is: `ray start --head`, with dashboard and token."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from footage.scratch import Scratch
from tests.conftest import PROJECT

PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class RayHead:
    """A head that runs."""

    dashboard: str  # http://…: what jobs are submitted to
    address: str  # of the GCS: what ray.init() and RAY_ADDRESS take
    folder: Path  # Ray's own; session_latest/ in it has the logs, and prom_metrics_service_discovery.json is in it
    environment: Mapping[str, str]  # of whoever talks to it
    pid: int


def ray_environment(**more: str) -> dict[str, str]:
    """What every process of a test's cluster is given: a token of its own, one thread per library, and footage."""
    return {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        **more,
    }


@contextlib.contextmanager
def ray_head(
    environment: Mapping[str, str],
    num_cpus: int = 2,
    autoscaling: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[RayHead]:
    """Start a head and end it, with all that it started.

    Args:
        environment: of the head and its workers; see ray_environment().
        num_cpus: of the head.
        autoscaling: a cluster configuration. `provider.gcs_address` and `provider.head_node_id` are filled in.
        options: more options of `ray start`, such as {"--object-store-memory": 100 * 2**20}.
    """
    scratch = Scratch()  # short: the paths of Ray's sockets may have 107 bytes
    gcs, dashboard, agent, clients = free_ports(4)
    address = f"127.0.0.1:{gcs}"
    given: dict[str, Any] = {
        "--port": gcs,
        "--node-ip-address": "127.0.0.1",
        "--dashboard-host": "127.0.0.1",
        "--dashboard-port": dashboard,
        "--dashboard-agent-listen-port": agent,
        "--ray-client-server-port": clients,
        "--num-cpus": num_cpus,
        "--temp-dir": scratch.path,
        **(options or {}),
    }
    environment = dict(environment)
    if autoscaling is not None:
        node = secrets.token_hex(28)
        provider = {**autoscaling["provider"], "gcs_address": address, "head_node_id": node}
        config = scratch.path / "cluster.json"  # YAML readers take JSON
        config.write_text(json.dumps({**autoscaling, "provider": provider}))
        given["--autoscaling-config"] = config
        environment |= {
            "PATH": f"{PROGRAMS}:{environment['PATH']}",  # the provider calls `ray`
            "AUTOSCALER_UPDATE_INTERVAL_S": "1",
            "RAY_FAKE_CLUSTER": "1",
            "RAY_enable_autoscaler_v2": "1",
            "RAY_CLOUD_INSTANCE_ID": node,
            "RAY_OVERRIDE_NODE_ID_FOR_TESTING": node,
        }
    command = [PROGRAMS / "ray", "start", "--head", "--block", "--disable-usage-stats"]
    command += [f"{name}={value}" for name, value in given.items()]
    log = scratch.path / "head.log"
    with log.open("wb") as file:
        head = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        _until_listening(head, dashboard, log)
        yield RayHead(f"http://127.0.0.1:{dashboard}", address, scratch.path, environment, head.pid)
    finally:
        parts = _parts(head, scratch.path)
        head.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            head.wait(timeout=60)
        _, alive = psutil.wait_procs(parts, timeout=20)
        for part in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                part.kill()
        head.kill()
        head.wait()
        scratch.remove()
    if autoscaling is None:
        assert not alive  # nodes that an autoscaler started are not the head's to end


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _parts(head: subprocess.Popen[bytes], folder: Path) -> list[psutil.Process]:
    """What the head started, and what names its folder: the nodes of an autoscaler are no children of its."""
    parts = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        parts |= set(psutil.Process(head.pid).children(recursive=True))
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or []):
            parts.add(process)
    return [part for part in parts if part.pid not in (os.getpid(), head.pid)]


def _until_listening(head: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert head.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]  # noqa: PT018
            time.sleep(0.2)
        else:
            return
