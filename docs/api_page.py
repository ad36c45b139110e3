"""Writes docs/api.md from what the API says of itself (its OpenAPI document)."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footage.directory_store import DirectoryStore
from footage.settings import Settings
from footage.store_reads import StoreReads
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.api_types import Health
from serve_apps.backend import Backend
from serve_apps.problems import KINDS

HEAD = """\
# The API

Written by `make docs` from the API's own description; do not edit by hand. [Using the API](using-the-api.md) begins
with examples. A running service has this description at `/openapi.json`, and a page to try it at `/docs`.

- **Keys.** Send a key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`. The workspace is the key's. A service
  that was started for one machine (the open mode) needs none.
- **Addresses** in answers (`thumbnail_url`, `play_url`, ...) are signed: they open one file without a key, for
  `serve.url_lifetime_s`. They begin with a slash, at the host of the service. `GET` routes of files also take `HEAD`.
- **Pages.** Where an answer has `next_cursor`, ask the same again with `cursor=` that for the next page; after the last
  page it is null. A cursor counts for its own request and key only; `limit` may change.
- **Times** are seconds of video time, unless a name says otherwise; dates are ISO 8601 with a time zone.
- **Errors** are `application/problem+json`, as below. The `X-Request-ID` of an answer is in the service's log too.
"""


def api_page() -> str:
    """The page."""
    document = api_document()
    lines = [*_problems(), *_routes(document), *_types(document)]
    return HEAD + "\n".join(lines) + "\n"


def api_document() -> dict[str, Any]:
    """The OpenAPI document of the API, made without anything to search."""
    nothing: Any = None
    health = Health(state="ok", index="ok", encoders="ok", store="ok", version="")
    with tempfile.TemporaryDirectory() as folder:
        settings, store = Settings(), DirectoryStore(Path(folder))
        backend = Backend(StoreReads(store), nothing, nothing, nothing, settings, lambda: health)
        return make_api(backend, Access(store, settings.serve, None)).openapi()


def _problems() -> Iterator[str]:
    yield from ("", "## Errors", "")
    for status, kind in KINDS.items():
        yield from (f"### Problem {status}", "", f"**{kind.title}.** {kind.meaning}", "")


def _routes(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield from (f"## {tag['name'].capitalize()}", "", tag["description"], "")
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    yield from _route(method.upper(), path, operation, document)


def _route(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    yield from (f"### {method} {path}", "", operation["description"], "")
    parameters = [
        (each["name"], each["in"], each.get("required", False), each) for each in operation.get("parameters", [])
    ]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        body = _resolved(content["schema"], document)
        required = body.get("required", [])
        where = "form" if "form" in media_type else "JSON"
        parameters += [(name, where, name in required, {"schema": each}) for name, each in body["properties"].items()]
    if parameters:
        yield from ("| parameter | in | type | what it is |", "|---|---|---|---|")
        for name, where, required, each in parameters:
            schema = each["schema"]
            kind = _type(schema).removesuffix(" or null")
            text = each.get("description") or schema.get("description", "")
            default = f" Default: `{_plain(schema['default'])}`." if schema.get("default") not in (None, [], "") else ""
            must = " Required." if required and where != "path" else ""
            yield f"| `{name}` | {where} | {kind} | {_cell(text + ('.' if text else '') + default + must)} |"
        yield ""
    yield from _answers(operation)


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    errors = []
    for status, answer in sorted(operation["responses"].items()):
        content = answer.get("content", {})
        if "application/problem+json" in content:
            errors.append(f"[{status}](#problem-{status})")
            continue
        kinds = [
            _type(each["schema"]) if "$ref" in each.get("schema", {}) else f"`{name}`" for name, each in content.items()
        ]
        text = answer["description"].removesuffix(".")
        yield (
            f"- **{status}**"
            + (f" {' or '.join(kinds)}" if kinds else "")
            + (f": {text}." if text != "Successful Response" else "")
        )
    yield from (f"- Errors: {', '.join(errors)}", "")
    for status in ("200", "201"):
        example = operation["responses"].get(status, {}).get("content", {}).get("application/json", {}).get("example")
        if example is not None:
            yield from ("```json", json.dumps(example, indent=2), "```", "")


def _types(document: dict[str, Any]) -> Iterator[str]:
    yield from ("## Types", "")
    bodies = {"SearchForm"}  # its fields stand with its route
    for name, schema in sorted(document["components"]["schemas"].items()):
        if name in bodies or "properties" not in schema:
            continue
        yield from (f"### {name}", "", schema.get("description", "").replace("\n", " "), "")
        yield from ("| field | type | what it is |", "|---|---|---|")
        for field, each in schema["properties"].items():
            yield f"| `{field}` | {_type(each)} | {_cell(each.get('description', ''))} |"
        yield ""


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _type(schema: dict[str, Any]) -> str:
    """A type in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return f"[{', '.join(_type(each) for each in schema['prefixItems'])}]"
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {_type(schema['additionalProperties'])}"
        case "string" if "contentMediaType" in schema or schema.get("format") == "binary":
            return "file"
        case "string" if "format" in schema:
            return str(schema["format"])
        case str(kind):
            return kind + _limits(schema)
        case _:
            return "any"


def _limits(schema: dict[str, Any]) -> str:
    words = (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
    limits = [f"{word} {schema[name]:.10g}" for name, word in words if name in schema]
    return f", {' '.join(limits)}" if limits else ""


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
