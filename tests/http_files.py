"""A server of files on this machine, which can be told what is to go wrong.

What it does is as in RFC 9110: HEAD, ranges with If-Range, ETag, Last-Modified, redirects.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class File:
    """What is served under a path, and how."""

    content: bytes = b""
    etag: str = ""
    """As the header has it: with quotes."""
    modified: str = ""
    redirect: str = ""
    """Where it is instead."""
    statuses: list[int] = field(default_factory=list)
    """Of the next answers, before it is served."""
    headers: dict[str, str] = field(default_factory=dict)
    """To send besides."""
    refuses_head: int = 0
    """Status of answers to HEAD."""
    gives_ranges: bool = True
    tells_length: bool = True
    told_bytes: int | None = None
    """The length to tell in HEAD instead of the real one."""
    cuts: list[int] = field(default_factory=list)
    """After so many bytes the next answers break off."""
    silent_s: float = 0
    """Before an answer to GET begins."""
    bytes_per_s: float = 0
    """How slowly it comes; 0: at once."""


@dataclass
class FileServer:
    """Its files by path; what was asked for."""

    files: dict[str, File] = field(default_factory=dict)
    host: str = ""
    """Host and port."""
    requests: list[str] = field(default_factory=list)
    """In order: method, path and range."""

    def url(self, path: str) -> str:
        """Of one of its files."""
        return f"http://{self.host}{path}"


@contextmanager
def serve_files(files: dict[str, File]) -> Iterator[FileServer]:
    """Serve on a free port of 127.0.0.1; `localhost` is another name of the same place."""
    served = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(self, served)

        do_HEAD = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests print what they need."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True  # a slow answer is not waited for

        def handle_error(self, request: object, client_address: object) -> None:
            """Nothing: a client that goes away is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    served.host = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, served: FileServer) -> None:
    path, asked = request.path, request.headers.get("Range", "")
    served.requests.append(f"{request.command} {path} {asked}".rstrip())
    file = served.files.get(path.partition("?")[0])
    if file is None:
        _send_status(request, HTTPStatus.NOT_FOUND)
    elif file.statuses:
        _send_status(request, file.statuses.pop(0), file.headers)
    elif file.redirect:
        _send_status(request, HTTPStatus.FOUND, {"Location": file.redirect})
    elif file.refuses_head and request.command == "HEAD":
        _send_status(request, file.refuses_head)
    else:
        time.sleep(file.silent_s if request.command == "GET" else 0)
        _send_file(request, file, asked)


def _send_file(request: BaseHTTPRequestHandler, file: File, asked: str) -> None:
    total = len(file.content)
    condition = request.headers.get("If-Range", "")
    is_part = bool(asked) and file.gives_ranges and condition in ("", file.etag)
    first, _, last = asked.removeprefix("bytes=").partition("-") if is_part else ("0", "", "")
    start, end = int(first), int(last) + 1 if last else total
    if is_part and start >= total:
        _send_status(request, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{total}"})
        return
    request.send_response(HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
    for name, value in {"ETag": file.etag, "Last-Modified": file.modified, **file.headers}.items():
        if value:
            request.send_header(name, value)
    if is_part:
        request.send_header("Content-Range", f"bytes {start}-{end - 1}/{total if file.tells_length else '*'}")
    told = file.told_bytes if file.told_bytes is not None and request.command == "HEAD" else end - start
    if file.tells_length:
        request.send_header("Content-Length", str(told))
    else:
        request.send_header("Connection", "close")  # its end is the body's
        request.close_connection = True
    request.end_headers()
    if request.command == "GET":
        _send_body(request, file, file.content[start:end])


def _send_body(request: BaseHTTPRequestHandler, file: File, body: bytes) -> None:
    if file.cuts and (cut := file.cuts.pop(0)) < len(body):
        request.wfile.write(body[:cut])
        request.wfile.flush()
        request.close_connection = True  # before Content-Length is reached: the connection broke
        return
    if not file.bytes_per_s:
        request.wfile.write(body)
        return
    step = max(1, int(file.bytes_per_s / 20))
    for at in range(0, len(body), step):
        request.wfile.write(body[at : at + step])
        request.wfile.flush()
        time.sleep(step / file.bytes_per_s)


def _send_status(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", "0")
    request.end_headers()
