"""Tests that only a machine with an NVIDIA GPU and the models of the gpu profile can run: `pytest -m gpu`.

They are deselected otherwise (pyproject.toml), never skipped: asked for where something is missing, they fail and say
what. docs/gpu-checklist.md has what a test cannot judge.
"""

import sys

import pytest

from actors.model_preparation import PreparedModels
from footage.model_list import check_models
from footage.settings import Settings, load_settings
from pipelines.preparation import ensure_prepared


@pytest.fixture(scope="session")
def card() -> str:
    """The name of the first card."""
    import torch

    if not torch.cuda.is_available():
        pytest.fail("torch sees no CUDA device: these tests need an NVIDIA GPU and its driver.", pytrace=False)
    return torch.cuda.get_device_name(0)


@pytest.fixture(scope="session")
def gpu(card: str) -> Settings:
    """The settings of the gpu profile, whose models are all here; else the sentence that says how to get them."""
    settings = load_settings("gpu")
    check_models(settings)
    return settings


@pytest.fixture(scope="session")
def gpu_models(gpu: Settings) -> PreparedModels:
    """Its models, prepared: every export was held against its original."""
    return ensure_prepared(gpu, sys.stderr)
