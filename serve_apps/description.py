"""The API's description of itself: FastAPI's OpenAPI document, with problems and examples."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from footage.api_keys import KEY_ID
from footage.identity import NAME
from serve_apps import api_examples
from serve_apps.api_examples import EXAMPLES
from serve_apps.api_types import Problem
from serve_apps.search_query import UUID

API_VERSION = "1"  # of the contract, as /v1 in its paths; that of the program is footage.version
SUMMARY = "Find any moment in your footage: search, the library, and the files."
TAGS = [
    {"name": "search", "description": "Find scenes by words, by a picture, or by a scene."},
    {"name": "videos", "description": "The library: videos, their scenes and subtitles, and the runs that index."},
    {"name": "media", "description": "Files. Addresses in answers are signed: they open one file without a key."},
    {"name": "datasets", "description": "Named sets of videos."},
    {"name": "keys", "description": "Keys of the workspace, for its administrators."},
    {"name": "service", "description": "Whether the service is well, and who asks."},
]
# Pattern, example and meaning of what stands in paths.
_IN_PATHS = {
    "video_id": (UUID, api_examples.VIDEO_ID, "Of the video: `video_id` of an answer"),
    "scene_id": (UUID, api_examples.SCENE_ID, "Of the scene: `scene_id` of an answer"),
    "key_id": (f"^{KEY_ID.pattern}$", api_examples.KEY_ID, "Of the key: `key_id` of an answer"),
    "name": (f"^{NAME.pattern}$", "workshop", "Of the dataset"),
}


def describe(app: FastAPI) -> None:
    """Make the app give the complete document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, summary=SUMMARY, routes=app.routes, tags=TAGS)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for operations in document["paths"].values():
        for operation in operations.values():
            _complete(operation)
    return document


def _complete(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            pattern, usual, text = _IN_PATHS[parameter["name"]]
            parameter["schema"]["pattern"] = pattern
            parameter |= {"example": usual, "description": text}
    example = EXAMPLES.get(operation["operationId"])
    for status in ("200", "201"):
        if example is not None and status in operation["responses"]:
            operation["responses"][status]["content"]["application/json"]["example"] = example.model_dump(mode="json")
