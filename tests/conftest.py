"""Fixtures that more than one room of tests needs."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.model_preparation import PreparedModels, prepare_models
from footage.settings import Settings, load_settings

pytest_plugins = ["tests.s3_servers", "tests.qdrant_server.fixtures"]
PROJECT = Path(__file__).parent.parent


MEMORY = Path("/dev/shm")
MEMORY_GIB = 4  # free: the engine of the index sets aside some ten MiB for each folder


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is room, else on disk, gone after the test.

    Stores sync every write, and the tests that stop one before each of its writes make thousands.
    """
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_GIB * 2**30
    folder = Path(tempfile.mkdtemp(prefix="footage-test-", dir=MEMORY if has_room else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def offline() -> Settings:
    """The settings of the offline profile."""
    return load_settings("offline")


@pytest.fixture(scope="session")
def prepared(offline: Settings) -> PreparedModels:
    """Its models, prepared in the user's model cache as `make demo` does."""
    return prepare_models(offline, lambda line: None)


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of sample clips."""
    return PROJECT / "samples" / "clips"
