"""The cluster launcher's file: Ray takes it, and what Ray lets through is found."""

import copy
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.command_runner import DockerCommandRunner
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig

from cluster.cluster_file import check_cluster_file
from cluster.cluster_file_aws import INSTANCES
from tests.cluster.compose_problems import unknown_ray_options
from tests.cluster.image_build import read_steps
from tests.conftest import PROJECT

TEXT = (PROJECT / "ray-cluster.yaml").read_text()
CONFIG: dict[str, Any] = yaml.safe_load(TEXT)


@pytest.fixture
def mounted(tmp_path: Path) -> dict[str, Any]:
    """The committed file, with a folder for the token that is there, and filled in."""
    token = tmp_path / "token"
    token.mkdir()
    filled = TEXT.replace("registry.example.com", "registry.local").replace("123456789012", "210987654321")
    config: dict[str, Any] = yaml.safe_load(filled)
    config["file_mounts"] = {"/home/footage/cluster": str(token)}
    return config


def problems(config: dict[str, Any], folder: Path) -> list[str]:
    file = folder / "ray-cluster.yaml"
    file.write_text(yaml.safe_dump(config))
    return [f"{check.name}: {check.found}" for check in check_cluster_file(file) if check.state != "ok"]


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a path; `...` takes the key out."""
    config = copy.deepcopy(config)
    at = config
    *parents, last = path.split("/")
    for parent in parents:
        at = at[parent]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return config


def test_the_committed_file_needs_only_to_be_filled_in(mounted: dict[str, Any], tmp_path: Path):
    assert problems(mounted, tmp_path) == []
    as_committed = [
        check for check in check_cluster_file(PROJECT / "ray-cluster.yaml") if "file_mounts" not in check.name
    ]
    assert {check.state for check in as_committed} <= {"ok", "note"}
    said = " ".join(check.found for check in as_committed)
    assert "still has registry.example.com" in said
    assert "still has 123456789012" in said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("colour", "blue", "the file: is not what Ray's schema says: Additional properties are not allowed"),
        ("max_workers", "many", "max_workers: is not what Ray's schema says: 'many' is not of type 'integer'"),
        ("available_node_types/gpu/resources", ..., "available_node_types.gpu: is not what Ray's schema says"),
        ("provider", ..., "provider: is not there"),
        ("provider/type", "awss", "the file: is refused by Ray: "),
        ("head_node_type", "haed", "the file: is refused by Ray: "),
        ("max_workers", 0, "available_node_types.gpu.max_workers: is 8, and the cluster's max_workers 0"),
    ],
)
def test_what_ray_refuses_is_said(path: str, value: Any, said: str, mounted: dict[str, Any], tmp_path: Path):
    found = problems(changed(mounted, path, value), tmp_path)
    assert any(said in problem for problem in found), found


HEAD, GPU, CPU = (f"available_node_types/{name}" for name in ("head", "gpu", "cpu"))
OPEN = [{"FromPort": 8265, "ToPort": 8265, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
TOKEN, *OTHERS = CONFIG["docker"]["run_options"]
BY_ROLE = {"container_name": "footage", "head_image": "r/footage:0.1.0-cpu", "worker_image": "r/footage:0.1.0-cpu"}
START = CONFIG["head_start_ray_commands"][1]
JOIN = CONFIG["worker_start_ray_commands"][1]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("idle_timeout_minutes", 0, "idle_timeout_minutes: must be above 0"),
        (f"{HEAD}/resources", {"CPU": 4}, "head.resources: needs CPU: 0"),
        (f"{CPU}/min_workers", 17, "cpu.min_workers: is 17 and max_workers 16"),
        (f"{GPU}/max_workers", 29, "gpu.max_workers: is 29, and the cluster's max_workers 28"),
        (f"{GPU}/max_workers", 0, "available_node_types: has no type with GPU"),
        (f"{GPU}/resources", {"GPU": 1}, "gpu.resources: needs CPU"),
        (f"{GPU}/resources", {"CPU": 16, "GPU": 2}, "gpu.resources.GPU: is 2, and g6.4xlarge has 1"),
        (f"{CPU}/resources", {"CPU": 17}, "cpu.resources.CPU: is 17, and c7i.4xlarge has 16"),
        (f"{CPU}/resources", {"CPU": 16, "GPU": 1}, "cpu.resources.GPU: is 1, and c7i.4xlarge has 0"),
        (f"{CPU}/node_config/InstanceMarketOptions/MarketType", "Spot", "MarketType: is Spot; spot machines have"),
        (f"{HEAD}/node_config/InstanceMarketOptions", {"MarketType": "spot"}, "puts the head on spot"),
        (f"{CPU}/node_config/IamInstanceProfile", ..., "cpu.node_config: lacks IamInstanceProfile"),
        (f"{GPU}/node_config/ImageId", ..., "gpu.node_config: lacks ImageId"),
        ("docker", {**BY_ROLE, "run_options": [TOKEN]}, "docker.image: is not there. Autoscaler v2 reads it"),
        ("docker/image", "rayproject/ray:2.60.0", "docker.image: is rayproject/ray:2.60.0, and not an image of"),
        ("docker/image", "r.local/footage:latest", "docker.image: is r.local/footage:latest, and not an image of"),
        (
            f"{GPU}/docker/worker_image",
            "r.local/footage:0.1.0-cpu",
            "gpu.docker.worker_image: is r.local/footage:0.1.0-cpu",
        ),
        (f"{GPU}/docker", ..., "on a machine with a GPU, which needs the image …-cuda"),
        ("docker/run_options", OTHERS, "docker.run_options: lacks -e RAY_AUTH_TOKEN_PATH"),
        ("docker/run_options", [*OTHERS, "-e RAY_AUTH_TOKEN=x"], "docker.run_options: has the token itself"),
        ("docker/run_options", [TOKEN, "-e RAY_AUTH_MODE=disabled"], "docker.run_options: turns off Ray's token"),
        (
            "docker/run_options",
            ["-e RAY_AUTH_TOKEN_PATH=/home/footage/t"],
            "which no entry of file_mounts brings there",
        ),
        (
            "docker/run_options",
            [TOKEN, '-e FOOTAGE_SERVE__NODE_LABELS={"a":"b"}'],
            "the variable FOOTAGE_SERVE__NODE_LABELS is",
        ),
        ("docker/run_options", [TOKEN, '-e FOOTAGE_SERVE__NODE_LABELS=\'{"a":"b"}\''], "no node type has these labels"),
        (
            "file_mounts",
            {"/home/footage/cluster": "/no/such"},
            "file_mounts./home/footage/cluster: /no/such is not on this",
        ),
        ("setup_commands", ..., "setup_commands: is not there, and Ray's default would install another Ray"),
        ("head_start_ray_commands", [START.replace("--num-cpus=0", "")], "head_start_ray_commands: lacks --num-cpus=0"),
        ("head_start_ray_commands", [START.replace("--num-cpus=0", "--num-cpus=04")], "lacks --num-cpus=0"),
        ("head_start_ray_commands", [START.replace("127.0.0.1", "0.0.0.0")], "lacks --dashboard-host=127.0.0.1"),
        ("head_start_ray_commands", [START.partition("--autoscaling")[0]], "lacks --autoscaling-config="),
        ("head_start_ray_commands", [START.replace("--head", "")], "lacks ray start --head"),
        (
            "worker_start_ray_commands",
            [JOIN.replace("$RAY_HEAD_IP", "head")],
            "lacks ray start --address=$RAY_HEAD_IP:",
        ),
        ("worker_start_ray_commands", [JOIN.replace("--metrics-export-port=8080", "")], "lacks --metrics-export-port="),
        ("worker_start_ray_commands", [JOIN.replace("4294967296", "42949672960")], "than /dev/shm of c7i.4xlarge has"),
        ("provider/security_group", {"IpPermissions": OPEN}, "lets everybody reach port 8265"),
    ],
)
def test_what_ray_lets_through_is_found(path: str, value: Any, said: str, mounted: dict[str, Any], tmp_path: Path):
    found = problems(changed(mounted, path, value), tmp_path)
    assert any(said in problem for problem in found), found


def test_no_type_without_cards_is_found(mounted: dict[str, Any], tmp_path: Path):
    for name in ("cpu", "serve"):
        del mounted["available_node_types"][name]
    assert any("has no type without GPU" in problem for problem in problems(mounted, tmp_path))


@pytest.mark.parametrize("content", ["a: [", "- a", ""])
def test_what_is_no_cluster_file_is_said(content: str, tmp_path: Path):
    file = tmp_path / "other.yaml"
    file.write_text(content)
    (check,) = check_cluster_file(file)
    assert check.state == "missing"
    (missing,) = check_cluster_file(tmp_path / "none.yaml")
    assert "No such file" in missing.found


def test_machines_of_ones_own_need_no_types(tmp_path: Path, mounted: dict[str, Any]):
    for key in ("available_node_types", "head_node_type", "max_workers"):
        del mounted[key]
    mounted["docker"]["run_options"] = [TOKEN]
    mounted["provider"] = {"type": "local", "head_ip": "10.0.0.1", "worker_ips": ["10.0.0.2"]}
    assert problems(mounted, tmp_path) == []


def test_ray_start_has_these_options():
    assert unknown_ray_options(shlex.split(START)) == []
    assert unknown_ray_options(shlex.split(JOIN)) == []


def test_instances_are_as_aws_describes_them():
    assert INSTANCES["g6.4xlarge"] == (16, 64, 1)
    assert INSTANCES["g5.12xlarge"] == (48, 192, 4)
    assert INSTANCES["c7i.4xlarge"] == (16, 32, 0)


def test_the_autoscaler_starts_each_type_with_its_image():
    config = AutoscalingConfig(copy.deepcopy(CONFIG), skip_content_hash=True)
    images = {
        name: config.get_docker_config(name)["image"].rpartition("-")[2] for name in CONFIG["available_node_types"]
    }
    assert images == {"head": "cpu", "serve": "cpu", "cpu": "cpu", "gpu": "cuda"}
    assert config.get_worker_setup_commands("cpu") == []


def test_the_image_is_as_the_launcher_needs_it():
    text = (PROJECT / "cluster" / "Dockerfile").read_text()
    environment = " ".join(step.rest for step in read_steps(text) if step.word == "ENV")
    home = CONFIG["file_mounts"].keys()
    assert "HOME=/home/footage" in environment  # the launcher takes /root where the image says nothing
    assert all(remote.startswith("/home/footage/") for remote in home)
    assert "RAY_AUTH_MODE=token" in environment
    packages = next(step.rest for step in read_steps(text) if "apt-get install" in step.rest)
    assert {"rsync", "openssh-client"} <= set(packages.split())
    assert "rsync -e" in Path(sys.modules[DockerCommandRunner.__module__].__file__ or "").read_text()


def test_the_command_says_it_and_fails(tmp_path: Path, mounted: dict[str, Any]):
    def ran(config: dict[str, Any]) -> tuple[int, list[dict[str, str]]]:
        file = tmp_path / "ray-cluster.yaml"
        file.write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "cluster.cli", "doctor", "--cluster-file", file, "--json"]
        process = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
        return process.returncode, json.loads(process.stdout)

    code, checks = ran(mounted)
    assert (code, [check["state"] for check in checks]) == (0, ["ok"])
    code, checks = ran(changed(mounted, "idle_timeout_minutes", 0))
    assert (code, [check["state"] for check in checks]) == (1, ["missing"])
