"""Writes the generated files: the settings reference, the sidecar's JSON schema and the API from their models, and from
the list of metrics their page, Grafana's dashboard and Prometheus' rules.

python -m docs.generate            writes them
python -m docs.generate --check    fails if they are out of date
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from cluster.monitoring import generated
from docs.api_page import api_page
from docs.metrics_page import metrics_page
from footage.settings import PROFILES, Settings, load_settings
from footage.sidecar import Sidecar

DOCS = Path(__file__).parent


def sidecar_schema() -> str:
    """The JSON schema of a sidecar."""
    return json.dumps(Sidecar.model_json_schema(), indent=2) + "\n"


def settings_page() -> str:
    """The settings reference: a table for each group, with the defaults and what the profiles change."""
    profiles = {name: load_settings(name) for name in sorted(path.stem for path in PROFILES.glob("*.yaml"))}
    given = {name: yaml.safe_load((PROFILES / f"{name}.yaml").read_text()) or {} for name in profiles}
    lines = [
        "# Settings",
        "",
        "Written by `make docs` from `footage/settings.py`; do not edit by hand.",
        "",
        "A profile (`footage/profiles/*.yaml`) is a set of values. An environment variable is stronger:",
        "`FOOTAGE_DECODER__SPAN_S=60` sets `decoder.span_s`. What a profile says differently from the default",
        "is in the last column.",
    ]
    for path, model in _sections("", Settings):
        lines += [
            "",
            f"## {path or 'Top level'}",
            "",
            "| setting | default | what it does | profiles |",
            "|---|---|---|---|",
        ]
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                continue
            key = f"{path}.{name}" if path else name
            differs = [f"{profile}: `{value}`" for profile in given if (value := _at(given[profile], key)) is not None]
            text = (field.description or "").replace("\n", " ").replace("|", "\\|")
            lines.append(f"| `{key}` | {_shown(field.default)} | {text} | {'; '.join(differs)} |")
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    return "empty" if default in ("", ()) or str(default) in ("", "**********") else f"`{default}`"


def _sections(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _sections(f"{path}.{name}" if path else name, field.annotation)


def _at(values: dict[str, Any], key: str) -> Any:
    """A value by its dotted name, or None."""
    found: Any = values
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def main() -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    check = parser.parse_args().check
    stale = 0
    files = {
        DOCS / "sidecar.schema.json": sidecar_schema(),
        DOCS / "settings.md": settings_page(),
        DOCS / "api.md": api_page(),
        DOCS / "metrics.md": metrics_page(),
        **generated(),
    }
    for path, text in files.items():
        if check and (not path.exists() or path.read_text() != text):
            print(f"{path.relative_to(DOCS.parent)} is out of date; run `make docs`.", file=sys.stderr)
            stale += 1
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
