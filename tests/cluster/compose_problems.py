"""What is wrong with a compose file that Docker Compose itself takes."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ray.scripts.scripts import start

from cluster.variable_checks import variable_problem
from tests.conftest import PROJECT

FOLDER = PROJECT / "cluster" / "compose"
_LONG_RUNNING = ("unless-stopped", "always")


def compose_problems(config: dict[str, Any], text: str, example: str) -> list[str]:
    """Sentences, each with the service and the key.

    Args:
        config: as Docker Compose understands it.
        text: of the file.
        example: the file of variables.
    """
    found = _variables(text, example)
    services: dict[str, dict[str, Any]] = config["services"]
    names = {"127.0.0.1", *services}
    for service in services.values():
        for network in service.get("networks", {}).values():
            names |= {*(network or {}).get("aliases", [])}
    for name, service in services.items():
        found += [f"{name}.{problem}" for problem in _service(service, services, names)]
    return found


def _variables(text: str, example: str) -> list[str]:
    used = set(re.findall(r"\$\{(\w+)", text))
    given = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    required = set(re.findall(r"\$\{(\w+):\?", text))
    values = set(re.findall(r"^([A-Z][A-Z0-9_]*)=.", example, re.MULTILINE))
    return [
        *(f"env.example does not name {name}" for name in sorted(used - given)),
        *(f"env.example names {name}, which nothing reads" for name in sorted(given - used)),
        *(f"env.example gives no value for {name}" for name in sorted(required - values)),
    ]


def _service(service: dict[str, Any], services: dict[str, Any], names: set[str]) -> list[str]:
    found = []
    image = service["image"]
    if not re.search(r":v?\d+\.\d+(\.\d+)?(-[\w.]+)?$", image):
        found.append(f"image: {image} is not pinned to a release")
    for port in service.get("ports", []):
        if port.get("host_ip") != "127.0.0.1":
            found.append(f"ports: {port['target']} is open to other machines; publish it on 127.0.0.1")
    found += _files(service)
    for name, value in (service.get("environment") or {}).items():
        if name.startswith("FOOTAGE_") and (problem := variable_problem(name, value)):
            found.append(f"environment: {problem}")
        host = urlsplit(value or "").hostname if "://" in (value or "") else None
        if host and not value.startswith("s3:") and host not in names:
            found.append(f"environment: {name} names {host}, and no service is called that")
    runs_on = service.get("restart") in _LONG_RUNNING
    if runs_on and not service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory"):
        found.append("deploy.resources.limits.memory: it may take all of the machine's")
    if service.get("ports") and "healthcheck" not in service:
        found.append("healthcheck: nobody sees that it does not answer")
    for other, condition in (service.get("depends_on") or {}).items():
        if condition["condition"] == "service_healthy" and "healthcheck" not in services[other]:
            found.append(f"depends_on: {other} has no healthcheck, so this waits for ever")
        if condition["condition"] == "service_completed_successfully" and services[other]["restart"] in _LONG_RUNNING:
            found.append(f"depends_on: {other} is started again when it ends, so this waits for ever")
    return found + unknown_ray_options(service.get("command") or [])


def _files(service: dict[str, Any]) -> list[str]:
    """Mounts of this repository, and what commands take from them or from the image."""
    found, places = [], {"/app": PROJECT}
    for volume in service.get("volumes", []):
        source = Path(volume.get("source", ""))
        if volume["type"] == "bind" and source.is_relative_to(PROJECT):
            places[volume["target"]] = source
            if not source.exists():
                found.append(f"volumes: {source.relative_to(PROJECT)} is not there")
    for word in service.get("command") or []:
        path = word.rpartition("=")[2]
        for inside, outside in places.items():
            if path.startswith(f"{inside}/") and not (outside / path.removeprefix(f"{inside}/")).exists():
                found.append(f"command: {path} is not there")
    return found


def unknown_ray_options(command: list[str]) -> list[str]:
    """What `ray start` would not take."""
    if command[:2] != ["ray", "start"]:
        return []
    known = {option for parameter in start.params for option in parameter.opts}
    given = [word.partition("=")[0] for word in command[2:]]
    return [f"command: ray start has no option {option}" for option in given if option not in known]
