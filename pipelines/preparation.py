"""Has models prepared (converted, exported, verified), once, in a process of its own: the driver needs no torch."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from actors.model_preparation import PreparedModels, prepared_models
from footage.errors import ModelMissing
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
    if models is None:
        raise ModelMissing(child.stderr.strip().splitlines()[-1] if child.stderr.strip() else "Preparation failed.")
    return models
