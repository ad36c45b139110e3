"""Fixtures that more than one room of tests needs."""

from pathlib import Path

import pytest

from actors.model_preparation import PreparedModels, prepare_models
from footage.settings import Settings, load_settings

PROJECT = Path(__file__).parent.parent


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
