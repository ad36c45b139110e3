"""What is wrong with a cluster file whatever the cloud: rules that Ray's own schema does not have."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.variable_checks import variable_problem

Node = dict[str, Any]
# Ray fills in what a file leaves out, and that is not harmless: it installs a nightly Ray over the image's.
_DEFAULTED = ("setup_commands", "head_setup_commands", "worker_setup_commands")
_START_COMMANDS = {  # an option that ends in = takes any value
    "head_start_ray_commands": {
        "ray start --head": "nothing else starts a head",
        "--num-cpus=0": "or work lands beside what all jobs depend on",
        "--dashboard-host=127.0.0.1": "who reaches the dashboard can run anything, and `ray dashboard` tunnels to it",
        "--metrics-export-port=": "Prometheus asks there",
        "--autoscaling-config=": "without ~/ray_bootstrap_config.yaml nothing grows",
    },
    "worker_start_ray_commands": {
        "ray start --address=$RAY_HEAD_IP:": "nothing else finds the head",
        "--metrics-export-port=": "Prometheus asks there",
    },
}
_LABELS = ("FOOTAGE_PIPELINE__NODE_LABELS", "FOOTAGE_SERVE__NODE_LABELS")


@dataclass(frozen=True)
class Problem:
    """One, at one key. `to_fill`: nothing is wrong, but somebody has to put in what is theirs."""

    key: str
    said: str
    to_fill: bool = False


def cluster_problems(config: dict[str, Any], folder: Path) -> list[Problem]:
    """Everything that is wrong with a file that Ray takes.

    Args:
        config: its content.
        folder: it is in; local paths are relative to that.
    """
    types: dict[str, Node] = config.get("available_node_types", {})
    workers = {name: node for name, node in types.items() if name != config.get("head_node_type")}
    return [
        *_timing(config),
        *(_node_types(config, types, workers) if types else []),
        *_images(config, workers),
        *_commands(config, has_types=bool(types)),
        *_token(config),
        *_variables(config, workers),
        *(
            Problem(f"file_mounts.{remote}", f"{local} is not on this machine; make it, or correct the path.")
            for remote, local in config.get("file_mounts", {}).items()
            if not (folder / Path(local).expanduser()).exists()
        ),
    ]


def _timing(config: dict[str, Any]) -> list[Problem]:
    if config.get("idle_timeout_minutes", 5) > 0:
        return []
    return [Problem("idle_timeout_minutes", "must be above 0: machines would end while actors of a run start on them.")]


def _node_types(config: dict[str, Any], types: dict[str, Node], workers: dict[str, Node]) -> list[Problem]:
    found = []
    at = "available_node_types"
    head, most = config["head_node_type"], config["max_workers"]
    if types[head]["resources"].get("CPU") != 0:
        found.append(Problem(f"{at}.{head}.resources", "needs CPU: 0, or work lands beside what all jobs depend on."))
    for name, node in workers.items():
        least, up_to = node.get("min_workers", 0), node.get("max_workers", most)
        if least > up_to:
            found.append(
                Problem(f"{at}.{name}.min_workers", f"is {least} and max_workers {up_to}; it must not be above.")
            )
        if up_to > most:
            said = f"is {up_to}, and the cluster's max_workers {most}; raise that, or it never gets there."
            found.append(Problem(f"{at}.{name}.max_workers", said))
        if not node["resources"].get("CPU"):
            found.append(Problem(f"{at}.{name}.resources", "needs CPU: without it no actor fits on such a machine."))
    growing = [node["resources"] for node in workers.values() if node.get("max_workers", most) > 0]
    if not any(resources.get("GPU", 0) > 0 for resources in growing):
        found.append(Problem(at, "has no type with GPU in its resources, and the profile gpu needs one."))
    if not any("GPU" not in resources for resources in growing):
        found.append(Problem(at, "has no type without GPU: decoding would take machines with cards."))
    return found


def _images(config: dict[str, Any], workers: dict[str, Node]) -> list[Problem]:
    docker = config.get("docker", {})
    image = docker.get("image", "")
    if not image:
        return [Problem("docker.image", "is not there. Autoscaler v2 reads it even where each type has its own image.")]
    found = []
    for name, node in {"": {}, **workers}.items():
        key = f"available_node_types.{name}.docker.worker_image" if name else "docker.image"
        used = str(node.get("docker", {}).get("worker_image", docker.get("worker_image", image)))
        has_gpu = node.get("resources", {}).get("GPU", 0) > 0
        if not re.search(r"(^|/)footage:\d+\.\d+\.\d+-(cpu|cuda)(@sha256:\w{64})?$", used):
            said = f"is {used}, and not an image of cluster/Dockerfile with its release, such as footage:0.1.0-cpu."
            found.append(Problem(key, said))
        elif has_gpu and not re.search("-cuda(@|$)", used):
            found.append(Problem(key, f"is {used} on a machine with a GPU, which needs the image …-cuda."))
    return found


def _commands(config: dict[str, Any], *, has_types: bool) -> list[Problem]:
    found = [
        Problem(key, "is not there, and Ray's default would install another Ray; write `[]` where nothing is to run.")
        for key in _DEFAULTED
        if key not in config
    ]
    for key, wanted in _START_COMMANDS.items():
        started = " ".join(config.get(key, []))
        for option, why in wanted.items():
            needed = has_types or option != "--autoscaling-config="
            if needed and not re.search(re.escape(option) + (r"\S" if option[-1] in "=:" else r"(?![\w.])"), started):
                found.append(Problem(key, f"lacks {option}: {why}."))
    return found


def _run_options(config: dict[str, Any]) -> list[str]:
    """Words of the options of `docker run`, as a shell takes them apart."""
    return [word for option in config.get("docker", {}).get("run_options", []) for word in shlex.split(option)]


def _token(config: dict[str, Any]) -> list[Problem]:
    """All nodes need one token, in a file that is mounted: whoever may read this file would have it otherwise."""
    options = _run_options(config)
    key = "docker.run_options"
    if any(word.startswith("RAY_AUTH_TOKEN=") for word in options):
        return [Problem(key, "has the token itself; mount a file with it, and name that in RAY_AUTH_TOKEN_PATH.")]
    if any(word == "RAY_AUTH_MODE=disabled" for word in options):
        return [Problem(key, "turns off Ray's token, and who reaches a port of Ray can run anything; take it out.")]
    places = [word.partition("=")[2] for word in options if word.startswith("RAY_AUTH_TOKEN_PATH=")]
    if not places:
        return [Problem(key, "lacks -e RAY_AUTH_TOKEN_PATH=…: a file of file_mounts that has the token of all nodes.")]
    if not any(Path(places[-1]).is_relative_to(remote) for remote in config.get("file_mounts", {})):
        return [Problem(key, f"RAY_AUTH_TOKEN_PATH is {places[-1]}, which no entry of file_mounts brings there.")]
    return []


def _variables(config: dict[str, Any], workers: dict[str, Node]) -> list[Problem]:
    found = []
    for word in _run_options(config):
        name, _, value = word.partition("=")
        if name.startswith("FOOTAGE_") and (problem := variable_problem(name, value)):
            found.append(Problem("docker.run_options", problem))
            continue
        if name not in _LABELS:
            continue
        wanted = json.loads(value)
        if not any(wanted.items() <= node.get("labels", {}).items() for node in workers.values()):
            said = f"{word}, and no node type has these labels: what keeps to them would wait for ever."
            found.append(Problem("docker.run_options", said))
    return found
