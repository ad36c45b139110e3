"""An HTTP proxy that stands between footage and a store, as its endpoint, and gets in the way.

Requests go on unchanged, Host header included, so that signatures hold. Also a program, for other processes:
`python -m tests.fault_proxy --target http://127.0.0.1:7480 --slow-down 0.1 --resets 0.05`; SIGUSR1 begins an outage and
ends it, and at the end it prints what it did, as JSON.
"""

import argparse
import contextlib
import http.client
import json
import random
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

BLOCK_BYTES = 1 << 16
TARGET_TIMEOUT_S = 60
HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "expect", "proxy-connection"})
_REFUSALS = {
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
    "not_offered": (501, "NotImplemented", "This is not implemented here."),
    "forbidden": (403, "AccessDenied", "Access Denied"),
    "forgotten": (404, "NoSuchUpload", "The upload was aborted or completed."),
}


@dataclass
class Faults:
    """How often, as a part of all requests, each of these happens. May be changed at any time."""

    slow_down: float = 0.0
    """503 SlowDown; the store does not hear of the request."""
    resets: float = 0.0
    """The connection is reset; the store does not hear of the request."""
    lost_answers: float = 0.0
    """The store does what it is asked; the connection is reset before the answer."""
    cut_bodies: float = 0.0
    """The body of the answer breaks off: by a reset, or by an end that looks orderly."""
    cut_at: int | None = None
    """Where; None: at a random place."""
    cut_by_reset: bool | None = None
    """How; None: half of them by a reset."""
    trickle: float = 0.0
    """The body comes in eight pieces, `trickle_s` apart."""
    trickle_s: float = 0.05
    methods: frozenset[str] = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
    """Only these requests are hindered."""
    first: int = 1_000_000_000
    """Only so many faults, then everything passes."""
    outage: bool = False
    """Every connection is reset, also those that are under way."""
    dropped_headers: frozenset[str] = frozenset()
    """Headers (small letters) that the store is not shown, like one that does not know them."""
    not_offered: str = ""
    """Requests with this in their path or query get 501, as of a store that has them not; empty: none."""
    forbidden: str = ""
    """Requests with this in their path or query get 403 AccessDenied; empty: none."""
    forgets_uploads: bool = False
    """Completions of uploads in parts get 404 NoSuchUpload, once the `first` faults are over: as AWS may answer."""


class Seen(NamedTuple):
    """A request, and what became of it: "passed" or a fault."""

    method: str
    path: str
    range: str
    became: str


@dataclass
class FaultProxy:
    """Where the proxy is, what it is to do, and what it has done."""

    target: str
    seed: int = 0
    url: str = ""
    faults: Faults = field(default_factory=Faults)
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def injected(self) -> Counter[str]:
        """How often each fault happened."""
        with self._lock:
            return Counter(each.became for each in self.seen if each.became != "passed")

    def draw(self, method: str, path: str, asked_range: str) -> str:
        """What is to become of a request."""
        with self._lock:
            became = self._fate(method, path)
            self.seen.append(Seen(method, path, asked_range, became))
            return became

    def place(self, length: int) -> tuple[int, bool]:
        """Where a body of this length breaks off, and whether by a reset."""
        with self._lock:
            at = self._random.randrange(length) if self.faults.cut_at is None else self.faults.cut_at
            by_reset = self._random.random() < 0.5 if self.faults.cut_by_reset is None else self.faults.cut_by_reset
            return at, by_reset

    def _fate(self, method: str, path: str) -> str:
        if self.faults.outage:
            return "outage"
        if self.faults.not_offered and self.faults.not_offered in path:
            return "not_offered"
        if self.faults.forbidden and self.faults.forbidden in path:
            return "forbidden"
        if self.faults.forgets_uploads and not self.faults.first and method == "POST" and "uploadId=" in path:
            return "forgotten"
        drawn = self._random.random()
        if method in self.faults.methods and self.faults.first > 0:
            for kind in ("slow_down", "resets", "lost_answers", "cut_bodies", "trickle"):
                drawn -= getattr(self.faults, kind)
                if drawn < 0:
                    self.faults.first -= 1
                    return kind
        return "passed"


@contextmanager
def fault_proxy(target: str, seed: int = 0, port: int = 0) -> Iterator[FaultProxy]:
    """Serve in threads of this process until the block ends, on a free port of 127.0.0.1 if none is given."""
    proxy = FaultProxy(target, seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError, TimeoutError):  # the client went away, or was sent away
                _pass_on(self, proxy)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: `seen` has it."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pass_on(request: BaseHTTPRequestHandler, proxy: FaultProxy) -> None:
    asked = request.rfile.read(int(request.headers.get("Content-Length", 0)))
    fate = proxy.draw(request.command, request.path, request.headers.get("Range", ""))
    if fate in ("outage", "resets"):
        _reset(request)
        return
    if fate in _REFUSALS:
        status, code, message = _REFUSALS[fate]
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        _answer(request, status, [("Content-Type", "application/xml")], error.encode())
        return
    status, headers, body = _ask(request, proxy, asked)
    if fate == "lost_answers":
        _reset(request)
    elif fate == "cut_bodies" and body:
        _head(request, status, headers)
        at, by_reset = proxy.place(len(body))
        request.wfile.write(body[:at])
        if by_reset:
            _reset(request)
        request.close_connection = True
    elif fate == "trickle" and body:
        _head(request, status, headers)
        _send(request, proxy, body, -(-len(body) // 8), proxy.faults.trickle_s)
    else:
        _head(request, status, headers)
        _send(request, proxy, body, BLOCK_BYTES, 0.0)


def _ask(request: BaseHTTPRequestHandler, proxy: FaultProxy, asked: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    target = urlsplit(proxy.target)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=TARGET_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name.lower() not in HOP_HEADERS | proxy.faults.dropped_headers:
                connection.putheader(name, value)
        connection.endheaders(asked)
        answer = connection.getresponse()
        body = answer.read()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS]
        if request.command != "HEAD":
            headers = [each for each in headers if each[0].lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        return answer.status, headers, body


def _head(request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]]) -> None:
    request.send_response_only(status)
    for name, value in headers:
        request.send_header(name, value)
    request.end_headers()


def _answer(request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    _head(request, status, [*headers, ("Content-Length", str(len(body)))])
    if request.command != "HEAD":
        request.wfile.write(body)


def _send(request: BaseHTTPRequestHandler, proxy: FaultProxy, body: bytes, piece_bytes: int, wait_s: float) -> None:
    for start in range(0, len(body), piece_bytes):
        if proxy.faults.outage:
            _reset(request)
            return
        request.wfile.write(body[start : start + piece_bytes])
        request.wfile.flush()
        time.sleep(wait_s)


def _reset(request: BaseHTTPRequestHandler) -> None:
    """Close so that the other side sees a reset: with nothing lingering, as socket(7) says."""
    request.close_connection = True
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="Get in the way between footage and a store.")
    parser.add_argument("--target", required=True, help="URL of the store")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    rates = [each.name for each in fields(Faults) if isinstance(each.default, float)]
    for name in rates:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(Faults, name))
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with fault_proxy(arguments.target, arguments.seed, arguments.port) as proxy:
        proxy.faults = Faults(**{name: getattr(arguments, name) for name in rates})

        def switch(*_: Any) -> None:
            proxy.faults.outage = not proxy.faults.outage

        signal.signal(signal.SIGUSR1, switch)
        print(proxy.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                signal.pause()
        print(json.dumps({"requests": len(proxy.seen), **proxy.injected()}), flush=True)


if __name__ == "__main__":
    main()
