"""Checks a cluster launcher's file before `ray up`: by Ray's own rules, and for what those let through."""

import copy
from pathlib import Path
from typing import Any

import yaml

from cluster.cluster_file_aws import aws_problems
from cluster.cluster_file_rules import Problem, cluster_problems
from cluster.doctor import Check

_PLACEHOLDERS = {
    "registry.example.com": "the registry that the images were pushed to",
    "123456789012": "the number of your account",
}


def check_cluster_file(file: Path) -> list[Check]:
    """What is wrong with a file, or that nothing is. What only has to be filled in is a note.

    Nothing is asked of a cloud, and nothing is started.
    """
    try:
        text = file.read_text()
        config = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = str(error).splitlines()[0]
        return [Check(str(file), "missing", said, f"Correct {file}, or name another with --cluster-file.")]
    problems = _by_ray(config) or [*cluster_problems(config, file.parent), *aws_problems(config)]
    problems += [
        Problem(line, f"still has {placeholder}; put in {instead}.", to_fill=True)
        for placeholder, instead in _PLACEHOLDERS.items()
        if (line := _lines_with(text, placeholder))
    ]
    checks = [
        Check(f"{file.name}: {problem.key}", "note" if problem.to_fill else "missing", problem.said)
        for problem in problems
    ]
    if any(check.state == "missing" for check in checks):
        return checks
    types = ", ".join(config.get("available_node_types", {})) or "no types"
    return [Check(file.name, "ok", f"{config['cluster_name']}: {types}"), *checks]


def _by_ray(config: Any) -> list[Problem]:
    """What Ray refuses when it reads the file; nothing else can be judged then."""
    from jsonschema import ValidationError  # type: ignore[import-untyped]  # Ray depends on it
    from ray.autoscaler._private.util import prepare_config, validate_config

    if not isinstance(config, dict) or not isinstance(config.get("provider"), dict):
        return [Problem("provider", "is not there; a cluster file names its cloud in provider.type.")]
    try:
        validate_config(prepare_config(copy.deepcopy(config)))
    except ValidationError as error:
        key = ".".join(str(part) for part in error.absolute_path) or "the file"
        return [Problem(key, f"is not what Ray's schema says: {error.message}.")]
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, AssertionError, ImportError) as error:
        return [Problem("the file", f"is refused by Ray: {error}")]
    return []


def _lines_with(text: str, words: str) -> str:
    lines = [str(number) for number, line in enumerate(text.splitlines(), 1) if words in line.partition("#")[0]]
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(lines)}" if lines else ""
