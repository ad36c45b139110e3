"""Has models prepared (converted, exported, verified), once, in a process of its own: the driver needs no torch."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from actors.model_preparation import PreparedModels, prepared_models
from footage.errors import FootageError, ModelMissing
from footage.settings import Settings
from pipelines.ray_session import WORKER_ENVIRONMENT

_PROJECT = Path(__file__).parent.parent


def ensure_prepared(settings: Settings, console: IO[str]) -> PreparedModels:
    """The prepared models of a profile; prepares them first where that was not done yet.

    Raises:
        ModelMissing: a model is not on this machine, or its export does not give what the model gives.
    """
    models = prepared_models(settings)
    if models is not None:
        return models
    console.write("Preparing the models of this profile (once; about a minute) ...\n")
    console.flush()
    child = subprocess.run(
        [sys.executable, "-m", "actors.model_preparation", "--profile", settings.profile],
        cwd=_PROJECT,
        env={**os.environ, **WORKER_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    models = prepared_models(settings) if child.returncode == 0 else None
    if models is not None:
        return models
    said = child.stderr.strip()
    if said and "Traceback" not in said:
        raise ModelMissing(said.splitlines()[-1])  # a sentence of its own
    raise FootageError(
        f"Preparing the models of profile {settings.profile} failed"
        f" ({said.splitlines()[-1] if said else f'exit code {child.returncode}'}); see more with"
        f" `python -m actors.model_preparation --profile {settings.profile}`."
    )
