"""Checks of FOOTAGE_… variables in manifests: whether they set something, and to a value that fits."""

import functools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from pydantic import BaseModel, ValidationError

from cluster.manifests import Manifest, Pods, environment, pods_of
from footage.settings import Settings

_PREFIX = "FOOTAGE_"
# Read from the environment in other places than the command line.
_OTHERS = {"FOOTAGE_MODEL_CACHE", "FOOTAGE_JOB", "FOOTAGE_FRONT_DOOR_WAIT_S"}


def check_variables(manifests: Sequence[Manifest]) -> Iterator[str]:
    """A sentence for each variable that sets nothing, or has a value that its setting does not take."""
    for pods in pods_of(manifests):
        has_any = False
        for container in pods.containers:
            named = {variable["name"]: None for variable in container.get("env", [])}
            variables = {**named, **environment(container, manifests)}
            for name in sorted(name for name in variables if name.startswith(_PREFIX)):
                has_any = True
                if problem := variable_problem(name, variables[name]):
                    yield f"{pods.where}, container {container['name']}: {problem}"
        yield from _check_links(pods, has_any)


def _check_links(pods: Pods, has_settings: bool) -> Iterator[str]:
    if has_settings and pods.spec.get("enableServiceLinks") is not False:
        yield (
            f"{pods.where}: set enableServiceLinks to false, or a Service named footage-… sets variables that begin"
            f" with {_PREFIX}."
        )


def variable_problem(name: str, value: str | None) -> str | None:
    """Why a FOOTAGE_… variable sets nothing, or its setting does not take the value; None: all is well."""
    if "__" not in name:
        return None if name in _commands_variables() else f"the variable {name} sets nothing."
    path = name.removeprefix(_PREFIX).lower().split("__")
    model: Any = Settings
    for part in path[:-1]:
        model = _section(model, part)
        if model is None:
            return f"the variable {name} sets nothing: there is no section {part}."
    if path[-1] not in model.model_fields:
        return f"the variable {name} sets nothing: docs/settings.md has what there is."
    if value is not None and (refusal := _refusal(model, path[-1], value)):
        return f"the variable {name} is {value!r}: {refusal}."
    return None


def _section(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of a section, also of one that may be left out."""
    field = model.model_fields.get(name)
    if field is None:
        return None
    for candidate in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _refusal(model: type[BaseModel], field: str, value: str) -> str | None:
    """Why a setting does not take a value; lists and the like are JSON, as pydantic-settings reads them."""
    refusal = _tried(model, field, value)
    if refusal is None:
        return None
    try:
        return _tried(model, field, json.loads(value))
    except ValueError:
        return refusal


def _tried(model: type[BaseModel], field: str, value: Any) -> str | None:
    try:
        model.model_validate({field: value})
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return None


@functools.cache
def _commands_variables() -> frozenset[str]:
    """Those that options of `footage` are read from."""
    from cluster.cli import app

    group: Any = typer.main.get_command(app)
    found = set(_OTHERS)
    for command in group.commands.values():
        for parameter in command.params:
            names = parameter.envvar or ()
            found.update([names] if isinstance(names, str) else names)
    return frozenset(found)
