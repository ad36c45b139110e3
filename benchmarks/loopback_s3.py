"""moto's S3 server on loopback, which counts the requests that it gets."""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from footage.storage_settings import S3Settings

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "footage",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}


class _Requests(logging.Handler):
    """werkzeug logs one line for each."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


@dataclass(frozen=True)
class LoopbackS3:
    """Where the server is."""

    settings: S3Settings
    _requests: _Requests = field(default_factory=_Requests)

    @property
    def requests(self) -> int:
        """All so far."""
        return self._requests.count

    @property
    def env(self) -> dict[str, str]:
        """Of a command that is to use it."""
        return {**CREDENTIALS, "FOOTAGE_S3__ENDPOINT": self.settings.endpoint}

    def client(self, bucket: str) -> Any:
        """A client of boto3, and a new bucket."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self.settings.endpoint,
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=bucket)
        return client


@contextlib.contextmanager
def loopback_s3() -> Iterator[LoopbackS3]:
    """The server, in threads of this process, while the block runs."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    loopback = LoopbackS3(S3Settings(endpoint=f"http://{host}:{port}"))
    log = logging.getLogger("werkzeug")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(loopback._requests)
    try:
        yield loopback
    finally:
        log.removeHandler(loopback._requests)
        server.stop()
