"""The Ray that a run starts for itself."""

import os
from pathlib import Path

import pytest

from footage.settings import Settings
from pipelines.ray_session import WORKER_ENVIRONMENT, ray_session


@pytest.mark.ray
def test_workers_inherit_our_variables_and_are_not_started_by_way_of_another_process(offline: Settings) -> None:
    with ray_session(offline.pipeline):
        import ray

        @ray.remote
        def started() -> tuple[dict[str, str], str, dict[str, object]]:
            import footage.settings

            variables = {name: os.environ.get(name, "") for name in WORKER_ENVIRONMENT}
            return variables, footage.settings.__file__, dict(ray.get_runtime_context().runtime_env)

        variables, imported, environment = ray.get(started.remote())

    assert variables == WORKER_ENVIRONMENT
    assert Path(imported).parent.parent == Path(__file__).parent.parent.parent
    assert environment == {}
