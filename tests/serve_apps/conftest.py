"""Fixtures of the service's tests: the sample clips, served."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from actors.model_preparation import PreparedModels
from footage.settings import Settings
from serve_apps.backend import Backend
from tests.serve_apps.served import client_of, embedded_backend, open_api, running


@pytest.fixture(scope="session")
def samples_backend(
    indexed_samples: Path, tmp_path_factory: pytest.TempPathFactory, offline: Settings, prepared: PreparedModels
) -> Iterator[Backend]:
    """The sample clips, of which nobody may change anything."""
    store = tmp_path_factory.mktemp("served") / "store"
    shutil.copytree(indexed_samples, store)  # to open an index takes its lock
    with embedded_backend(store, offline, prepared) as backend:
        yield backend


@pytest.fixture(scope="session")
def samples_api(samples_backend: Backend) -> Iterator[TestClient]:
    """A client of the API over the sample clips, in the open mode."""
    with client_of(open_api(samples_backend)) as client:
        yield client


@pytest.fixture(scope="session")
def samples_url(samples_backend: Backend) -> Iterator[str]:
    """The URL of the same under uvicorn, for what needs a real server: browsers, curl."""
    with running(open_api(samples_backend)) as url:
        yield url
