"""S3 servers of the tests: moto's, which knows conditional writes as AWS does, and a Ceph gateway, which is a real one.

Fixtures: `moto_s3` and `ceph_s3`. A test that takes `ceph_s3` is marked `services`.
"""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from footage.storage_settings import S3Settings
from tests.ceph import USERS, CephMissing, running_ceph

QUICK = {"max_attempts": 3, "connect_timeout_s": 5, "read_timeout_s": 20, "part_mib": 5}


@dataclass(frozen=True)
class S3Server:
    """Where a server is. Credentials of its user `footage` are in the environment while the fixture lives."""

    settings: S3Settings

    @property
    def stranger(self) -> S3Settings:
        """Settings of a user who has no permission for the buckets of `new_bucket`; moto lets everybody in."""
        return self.settings.model_copy(update={"aws_profile": "stranger"})

    def new_bucket(self) -> str:
        """Make an empty bucket."""
        name = f"footage-{uuid.uuid4().hex}"
        self.client().create_bucket(Bucket=name)
        return name

    def client(self) -> Any:
        """A boto3 client of the user `footage`, to put and see objects without footage's own code."""
        import boto3
        from botocore.config import Config

        key, secret = USERS["footage"]
        return boto3.client(
            "s3",
            endpoint_url=self.settings.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )


@pytest.fixture(scope="session")
def s3_credentials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """AWS_* of the environment: the user `footage`, the profile `stranger`, and nothing of the machine's own."""
    profiles = tmp_path_factory.mktemp("aws") / "credentials"
    key, secret = USERS["stranger"]
    profiles.write_text(f"[stranger]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    key, secret = USERS["footage"]
    ours = {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SHARED_CREDENTIALS_FILE": str(profiles),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(ours)
    yield
    for name in [name for name in os.environ if name.startswith("AWS_") or name in ours]:
        del os.environ[name]
    os.environ.update({name: before[name] for name in before if name.startswith("AWS_") or name in ours})


@pytest.fixture(scope="session")
def moto_s3(s3_credentials: None) -> Iterator[S3Server]:
    """A private moto server in threads of this process."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else one line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(S3Settings(endpoint=f"http://{host}:{port}", **QUICK))
    finally:
        server.stop()


@pytest.fixture(scope="session")
def ceph_s3(s3_credentials: None) -> Iterator[S3Server]:
    """A Ceph gateway: the one at CEPH_URL if that is set (see tests/ceph.py), else one of our own."""
    with ExitStack() as stack:
        try:
            url = os.environ.get("CEPH_URL") or stack.enter_context(running_ceph())
        except CephMissing as error:
            pytest.fail(str(error), pytrace=False)
        yield S3Server(S3Settings(endpoint=url, **QUICK))
