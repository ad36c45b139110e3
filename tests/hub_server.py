"""A hub of folders on this machine: the part of the Hugging Face HTTP interface that snapshot_download uses.

Paths and headers as in https://huggingface.co/docs/huggingface_hub/package_reference/hf_api and as huggingface_hub 2.4
asks for them: a model's commit, the tree of a commit, HEAD and GET of a file with ETag, X-Repo-Commit and ranges.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Models by name, what was asked for, and what is to go wrong."""

    models: dict[str, Path]
    commit: str = COMMIT
    """The one commit of every model; its `main`."""
    url: str = ""
    requests: list[str] = field(default_factory=list)
    """What was asked for, in order: method, file and range, or what of the interface."""
    gated: set[str] = field(default_factory=set)
    cut_after_bytes: int | None = None
    """Answers for files longer than this break off here, as often as `cuts` says."""
    cuts: int = 0
    held: threading.Event | None = None
    """If set, broken off answers are instead held at that place until the event comes."""
    claimed_bytes: dict[str, int] = field(default_factory=dict)
    """Sizes to announce instead of the real ones, by file name."""

    def gets(self) -> list[str]:
        """The requests that fetched content."""
        return [request for request in self.requests if request.startswith("GET")]


@contextmanager
def serve_hub(models: dict[str, Path]) -> Iterator[Hub]:
    """Serve folders as hub models on a free port of 127.0.0.1."""
    hub = Hub(models)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(self, hub)

        do_HEAD = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests print what they need."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, hub: Hub) -> None:
    path = request.path.partition("?")[0]
    if found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)/(revision|tree)/([\w.-]+)", path):
        name, what, revision = found.groups()
        hub.requests.append(f"API {what} of {name} at {revision}")
        if _refused(request, hub, name, revision):
            return
        files = sorted(file for file in hub.models[name].rglob("*") if file.is_file())
        if what == "tree":
            _send_json(request, [_entry(hub, name, file) for file in files])
        else:
            siblings = [{"rfilename": str(file.relative_to(hub.models[name]))} for file in files]
            _send_json(request, {"id": name, "modelId": name, "sha": hub.commit, "siblings": siblings})
    elif found := re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([\w.-]+)/(.+)", path):
        name, revision, file_name = found.groups()
        if not _refused(request, hub, name, revision):
            _send_file(request, hub, hub.models[name] / file_name)
    else:
        _send_error(request, HTTPStatus.NOT_FOUND, "EntryNotFound")


def _refused(request: BaseHTTPRequestHandler, hub: Hub, name: str, revision: str) -> bool:
    if name not in hub.models:
        _send_error(request, HTTPStatus.UNAUTHORIZED, "RepoNotFound")  # the hub does not say which names exist
    elif name in hub.gated:
        _send_error(request, HTTPStatus.FORBIDDEN, "GatedRepo")
    elif revision not in ("main", hub.commit):
        _send_error(request, HTTPStatus.NOT_FOUND, "RevisionNotFound")
    else:
        return False
    return True


def _entry(hub: Hub, name: str, file: Path) -> dict[str, object]:
    size = hub.claimed_bytes.get(file.name, file.stat().st_size)
    return {"type": "file", "path": str(file.relative_to(hub.models[name])), "size": size, "oid": _etag(file)}


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()


def _send_file(request: BaseHTTPRequestHandler, hub: Hub, file: Path) -> None:
    asked = request.headers.get("Range", "")
    hub.requests.append(f"{request.command} {file.name} {asked}".rstrip())
    if not file.is_file():
        _send_error(request, HTTPStatus.NOT_FOUND, "EntryNotFound")
        return
    content = file.read_bytes()
    total = hub.claimed_bytes.get(file.name, len(content))
    start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
    request.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
    if asked:
        request.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
    request.send_header("Content-Length", str(total - start))
    request.send_header("Accept-Ranges", "bytes")
    request.send_header("ETag", f'"{_etag(file)}"')
    request.send_header("X-Repo-Commit", hub.commit)
    request.end_headers()
    if request.command == "HEAD":
        return
    if hub.cuts and hub.cut_after_bytes is not None and len(content) - start > hub.cut_after_bytes:
        hub.cuts -= 1
        request.wfile.write(content[start : start + hub.cut_after_bytes])
        request.wfile.flush()
        if hub.held is not None:
            hub.held.wait()
        request.close_connection = True  # before Content-Length is reached: the connection broke
        return
    request.wfile.write(content[start:])


def _send_json(request: BaseHTTPRequestHandler, value: object) -> None:
    body = json.dumps(value).encode()
    request.send_response(HTTPStatus.OK)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def _send_error(request: BaseHTTPRequestHandler, status: HTTPStatus, code: str) -> None:
    request.send_response(status)
    request.send_header("X-Error-Code", code)
    request.send_header("X-Error-Message", code)
    request.send_header("Content-Length", "0")
    request.end_headers()
