"""Ray's Jobs API: the one file that talks to it.

The token of a cluster comes from the environment (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN), where Ray's client finds it.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from cluster.job_submission import Submission
from footage.errors import FootageError, SettingsError
from footage.timestamps import stamp

_TALKATIVE = (
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
    "ray._private.runtime_env.working_dir",
)
_ANSWER_S = 10.0  # for a connection; Ray's client would wait for ever
JobStatus = Literal["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]


class ClusterUnavailable(FootageError):
    """No cluster answers at an address."""


class RayJob(BaseModel):
    """What a cluster knows of a job."""

    model_config = ConfigDict(frozen=True)

    job: str
    status: JobStatus
    message: str  # Ray's; of one that failed, the end of its log
    started_at: str  # UTC, ISO 8601: when it was submitted
    wall_s: float
    metadata: dict[str, str]

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in ("STOPPED", "SUCCEEDED", "FAILED")


def is_loopback(address: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class JobClient:
    """The jobs of one cluster."""

    def __init__(self, address: str) -> None:
        """Connect.

        Args:
            address: of the dashboard, such as http://head:8265.

        Raises:
            ClusterUnavailable: nothing answers there.
            SettingsError: it is no such address, or the token is wrong.
        """
        self.address = address.rstrip("/")
        _check_listening(self.address)
        from ray.job_submission import JobSubmissionClient

        # They say of each upload that it is one, what it leaves out, and when a connection ends.
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        with _explained(self.address):
            self._client: Any = JobSubmissionClient(self.address)

    def page(self, job: str) -> str:
        """Where the dashboard shows a job."""
        return f"{self.address}/#/jobs/{job}"

    def submit(self, submission: Submission) -> None:
        """Upload footage, where that was asked for, and start a job.

        Raises:
            FootageError: the cluster refused it, or went away.
        """
        runtime_env: dict[str, Any] = {"env_vars": submission.environment}
        if submission.package is not None:
            runtime_env["working_dir"] = str(submission.package.root)
            runtime_env["excludes"] = submission.package.excludes
        with _explained(self.address):
            self._client.submit_job(
                entrypoint=submission.entrypoint,
                submission_id=submission.job,
                runtime_env=runtime_env,
                metadata=submission.metadata,
                # Nothing is reserved for the driver, which plans and counts: so Ray runs it on the head, also on one
                # without CPUs. With resources it goes to whichever machine has them (job_manager.py in Ray).
                entrypoint_num_cpus=0,
                entrypoint_resources=submission.resources or None,
            )

    def find(self, job: str) -> RayJob | None:
        """A job; None if the cluster does not know it."""
        return next((found for found in self.all() if found.job == job), None)

    def all(self) -> list[RayJob]:
        """All jobs that were submitted to the cluster, the newest first; not what was started otherwise."""
        with _explained(self.address):
            found = self._client.list_jobs()
        jobs = [_ray_job(details) for details in found if details.submission_id]
        return sorted(jobs, key=lambda job: job.started_at, reverse=True)

    def stop(self, job: str) -> bool:
        """Ask a job to stop; False if it had ended."""
        with _explained(self.address):
            stopped: bool = self._client.stop_job(job)
        return stopped

    def log(self, job: str) -> str:
        """What a job has printed."""
        with _explained(self.address):
            log: str = self._client.get_job_logs(job)
        return log

    def follow(self, job: str) -> Iterator[str]:
        """What a job has printed, and what it prints from now on, until it ends."""
        printed = self._client.tail_job_logs(job)

        async def more() -> str | None:
            text: str | None = await anext(printed, None)
            return text

        with asyncio.Runner() as runner:  # it ends the waiting when Ctrl-C is pressed, and then the connection
            while True:
                with _explained(self.address):
                    text = runner.run(more())
                if text is None:
                    return
                yield text


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """What Ray's client raises in the block, as sentences."""
    from aiohttp import ClientError, WSServerHandshakeError
    from ray.exceptions import AuthenticationError
    from requests import RequestException

    try:
        yield
    except (AuthenticationError, WSServerHandshakeError, OSError, ClientError, RuntimeError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        if isinstance(error, AuthenticationError) or getattr(error, "status", 0) in (401, 403):
            raise SettingsError(
                f"The cluster at {address} does not take this token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN to the"
                " one that it was started with."
            ) from error
        if isinstance(error, OSError | RequestException | ClientError):
            raise ClusterUnavailable(f"The cluster at {address} does not answer any more: {first}.") from error
        raise FootageError(f"The cluster at {address} refuses this: {first}.") from error


def _check_listening(address: str) -> None:
    parts = urlsplit(address)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        raise SettingsError(
            f"{address!r} is no address of a cluster: it is that of Ray's dashboard, such as http://head:8265."
        )
    try:
        socket.create_connection((parts.hostname, port), _ANSWER_S).close()
    except OSError as error:
        raise ClusterUnavailable(
            f"No cluster answers at {address} ({error.strerror or error}): correct --address, or start the cluster."
        ) from error


def _ray_job(details: Any) -> RayJob:
    started_ms = details.start_time or 0
    ended_ms = details.end_time or int(datetime.now(UTC).timestamp() * 1000)
    return RayJob(
        job=details.submission_id,
        status=details.status.value,
        message=details.message or "",
        started_at=stamp(datetime.fromtimestamp(started_ms / 1000, UTC)),
        wall_s=max(0, ended_ms - started_ms) / 1000,
        metadata=details.metadata or {},
    )
