"""Fixtures that more than one room of tests needs."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.model_preparation import PreparedModels, prepare_models
from footage.settings import Settings, load_settings
from tests.memory_folder import memory_folder

pytest_plugins = ["tests.s3_servers", "tests.qdrant_server.fixtures", "tests.samples_store"]
PROJECT = Path(__file__).parent.parent

# Ray looks at these when it is first imported, and some tests do that before any starts a Ray.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """An empty folder, gone after the test."""
    with memory_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def offline() -> Settings:
    """The settings of the offline profile."""
    return load_settings("offline")


@pytest.fixture(scope="session")
def prepared(offline: Settings) -> PreparedModels:
    """Its models, prepared in the user's model cache as `make demo` does."""
    return prepare_models(offline, lambda line: None)


@pytest.fixture(scope="session")
def undescribed(offline: Settings, prepared: object) -> Settings:
    """The offline profile without the second pass, for runs in which only the first one counts."""
    return offline.model_copy(update={"summaries": offline.summaries.model_copy(update={"adapter": "off"})})


@pytest.fixture(scope="session")
def uncaptioned(undescribed: Settings) -> Settings:
    """The same without captions: its workers start sooner."""
    return undescribed.model_copy(update={"captions": undescribed.captions.model_copy(update={"adapter": "off"})})


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of sample clips."""
    return PROJECT / "samples" / "clips"
