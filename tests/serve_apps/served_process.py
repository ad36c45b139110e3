"""`footage serve` as people run it: a process with a Ray of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

PROJECT = Path(__file__).parent.parent.parent
STARTS_WITHIN_S = 180.0


@dataclass
class ServedProcess:
    """A running service."""

    process: "subprocess.Popen[str]"
    url: str
    store: Path
    logs: Path
    token: str

    def replicas(self, deployment: str) -> list[psutil.Process]:
        """The processes of a deployment: Ray gives them titles."""
        title = f"ray::ServeReplica:footage:{deployment}"
        return [child for child in self.tree() if _title(child).startswith(title)]

    def tree(self) -> list[psutil.Process]:
        """All processes of the service but the first."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self, deployment: str) -> set[int]:
        """End the processes of a deployment as the kernel does it when memory is short; gives their ids."""
        found = self.replicas(deployment)
        assert found, deployment
        for replica in found:
            replica.kill()
        return {replica.pid for replica in found}

    def update(self) -> None:
        """Deploy the same application again, as a new version of it is: from another program."""
        command = [sys.executable, "-m", "tests.serve_apps.update", self._ray_address(), str(self.store)]
        environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token}
        subprocess.run(command, cwd=PROJECT, env=environment, check=True, timeout=STARTS_WITHIN_S)

    def end(self) -> float:
        """Ask it to end; gives the seconds that it takes."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        return time.monotonic() - begun

    def _ray_address(self) -> str:
        option = "--gcs-address="
        parts = [part for child in self.tree() for part in _command(child) if part.startswith(option)]
        return parts[0].removeprefix(option)


def start_service(store: Path, logs: Path, *options: str) -> ServedProcess:
    """Start it and wait for the line that says that it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    command = [sys.executable, "-m", "cluster.cli", "serve", "--store", str(store), "--profile", "offline"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--logs", str(logs), *options],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == f"http://127.0.0.1:{port}/\n", line
    return ServedProcess(process, line.strip().rstrip("/"), store, logs, token)


def _title(process: psutil.Process) -> str:
    return " ".join(_command(process))


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
