"""The page /docs: Swagger UI over /openapi.json, with its files from a package, so that no other server is asked.

And the page of the kinds of problems, to which the `type` of each problem leads.
"""

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response

from serve_apps.problem_types import PROBLEMS_PATH
from serve_apps.problems import KINDS

_OWN = Path(__file__).parent / "web" / "docs"
_FILES = {
    "start.js": _OWN / "start.js",
    # of Swagger UI; fastapi-offline follows its releases
    "swagger-ui-bundle.js": Path(str(files("fastapi_offline"))) / "static" / "swagger-ui-bundle.js",
    "swagger-ui.css": Path(str(files("fastapi_offline"))) / "static" / "swagger-ui.css",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets styles of elements
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def mount_docs(app: FastAPI) -> None:
    """Add the page."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return FileResponse(_OWN / "index.html", headers={"Content-Security-Policy": _POLICY})

    @app.get(PROBLEMS_PATH, include_in_schema=False)
    def problems() -> Response:
        return HTMLResponse("\n".join(_problem_lines()), headers={"Content-Security-Policy": _POLICY})

    for name, path in _FILES.items():
        _add_file(app, name, path)


def _problem_lines() -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems of the footage API</title>'
    yield "<h1>Problems</h1>"
    for status, kind in KINDS.items():
        yield f'<h2 id="{status}">{status} {escape(kind.title)}</h2><p>{escape(kind.meaning)}</p>'


def _add_file(app: FastAPI, name: str, path: Path) -> None:
    @app.get(f"/docs/{name}", include_in_schema=False)
    def file() -> Response:
        return FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})
