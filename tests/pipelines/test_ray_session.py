"""The Ray that a run starts for itself."""

import json
import os
from pathlib import Path

import pytest

from footage.settings import Settings
from pipelines.ray_session import WORKER_ENVIRONMENT, _runtime_env, job_of, ray_session


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


def test_workers_of_a_cluster_get_what_their_job_did_not_give_them() -> None:
    """Ray refuses a variable that a job and its driver both set."""
    root = str(Path(__file__).parent.parent.parent)
    by_hand = _runtime_env("")["env_vars"]
    assert by_hand == {**WORKER_ENVIRONMENT, "PYTHONPATH": f"{root}:${{PYTHONPATH}}"}

    in_image = _runtime_env(json.dumps({"runtime_env": {"env_vars": {"OMP_NUM_THREADS": "4"}}, "metadata": {}}))
    assert in_image == {"env_vars": {name: by_hand[name] for name in by_hand if name != "OMP_NUM_THREADS"}}

    uploaded = _runtime_env(json.dumps({"runtime_env": {"working_dir": "gcs://x.zip"}}))  # Ray puts it first
    assert uploaded == {"env_vars": WORKER_ENVIRONMENT}


def test_a_run_knows_the_job_that_it_belongs_to() -> None:
    of_ray = {"RAY_JOB_CONFIG_JSON_ENV_VAR": json.dumps({"metadata": {"job_submission_id": "index-run-x7"}})}
    assert job_of({}) == ""
    assert job_of(of_ray) == "index-run-x7"
    assert job_of({**of_ray, "FOOTAGE_JOB": "job-1"}) == "job-1"
