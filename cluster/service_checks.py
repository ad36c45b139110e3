"""Checks of the search service on KubeRay: its application, its settings, and whether they are those of the runs."""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from pydantic import ValidationError
from ray.serve.schema import ServeDeploySchema

from cluster.manifests import Manifest, environment, name_of, of_kind
from serve_apps.search_app import SearchAppArgs
from serve_apps.serve_environment import SERVE_ENVIRONMENT

_OPERATOR = "spec.upgradeStrategy.type"
_UPGRADES = ("NewCluster", "NewClusterWithIncrementalUpgrade", "None")


def check_services(manifests: Sequence[Manifest]) -> Iterator[str]:
    """A sentence for each mistake in RayServices."""
    for service in of_kind(manifests, "RayService"):
        where, spec = name_of(service), service["spec"]
        upgrade = spec.get("upgradeStrategy", {}).get("type", "NewCluster")
        if upgrade not in _UPGRADES:
            yield f"{where}: {_OPERATOR} is {upgrade}; KubeRay knows {', '.join(_UPGRADES)}."
        try:
            config = ServeDeploySchema.model_validate(yaml.safe_load(spec.get("serveConfigV2", "")))
        except (ValidationError, yaml.YAMLError) as error:
            yield f"{where}: Ray Serve cannot read serveConfigV2: {_first(error)}"
            continue
        containers = _containers(spec["rayClusterConfig"])
        yield from _check_ports(where, config, containers)
        for at, container in containers:
            variables = environment(container, manifests)
            yield from _check_environment(f"{where}, {at}", variables)
            for application in config.applications:
                yield from _check_application(f"{where}, {at}", application, variables)


def _containers(cluster: Manifest) -> list[tuple[str, dict[str, Any]]]:
    groups = [("head", cluster["headGroupSpec"])]
    groups += [(f"group {group['groupName']}", group) for group in cluster.get("workerGroupSpecs", [])]
    return [(name, group["template"]["spec"]["containers"][0]) for name, group in groups]


def _check_ports(where: str, config: ServeDeploySchema, containers: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    wanted = config.http_options.port
    for at, container in containers:
        ports = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
        if ports.get("serve") != wanted:
            yield f"{where}, {at}: its port `serve` is {ports.get('serve')}, and serveConfigV2 listens on {wanted}."
    if config.http_options.host != "0.0.0.0":
        yield f"{where}: serveConfigV2 listens on {config.http_options.host}, where no other pod reaches it."


def _check_environment(where: str, variables: dict[str, str]) -> Iterator[str]:
    for name, value in SERVE_ENVIRONMENT.items():
        if variables.get(name) != value:
            yield f"{where}: set {name} to {value}; it is {variables.get(name)}."


def _check_application(where: str, application: Any, variables: dict[str, str]) -> Iterator[str]:
    module, _, attribute = application.import_path.partition(":")
    try:
        if not hasattr(importlib.import_module(module), attribute):
            yield f"{where}: {module} has no {attribute}, which the import_path of {application.name} names."
    except ImportError as error:
        yield f"{where}: the import_path of {application.name} cannot be imported: {error}."
    try:
        args = SearchAppArgs.model_validate(application.args)
    except ValidationError as error:
        yield f"{where}: the args of {application.name} are wrong: {_first(error)}"
        return
    if args.workspace is not None:
        yield f"{where}: the args of {application.name} open the workspace {args.workspace} to all; leave it out."
    for field, variable in (("store", "FOOTAGE_STORE"), ("index", "FOOTAGE_INDEX"), ("profile", "FOOTAGE_PROFILE")):
        if getattr(args, field) != variables.get(variable):
            yield (
                f"{where}: searches use {field} {getattr(args, field)} (args of {application.name}), and runs"
                f" {variables.get(variable)} ({variable})."
            )


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}."
    return str(error).splitlines()[0]
