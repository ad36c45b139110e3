"""What stands before Serve's proxy: its own answers become problems like all others, and no request waits for ever.

Serve answers in plain text where no process can take a request, and with nothing at all where the process that had it
died. Its proxies call middlewares() if RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH names it: see serve_environment.py.
"""

import asyncio
import json
import os
import uuid
from collections.abc import Iterable
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_apps.problem_types import PROBLEMS_PATH, RETRY_AFTER_S
from serve_apps.serve_environment import FRONT_DOOR_WAIT_S, WAIT_S
from serve_apps.service_log import log

_REQUEST_ID = b"x-request-id"
_SERVE_PATHS = "/-/"  # Serve's own: what load balancers ask
_SERVE_STATUSES = frozenset({404, 408, 429, 500, 503})  # 404: it knows of no application yet


def middlewares() -> list[Middleware]:
    """What Serve's proxies put around themselves."""
    return [Middleware(FrontDoor, wait_s=float(os.environ.get(WAIT_S, FRONT_DOOR_WAIT_S)))]


class FrontDoor:
    """Turns an answer that the application did not give into a 503 of its kind."""

    def __init__(self, app: ASGIApp, wait_s: float) -> None:
        """Stand before `app`; whoever reads gets an answer that begins within `wait_s` seconds."""
        self._app = app
        self._wait_s = wait_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"].startswith(_SERVE_PATHS):
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, receive, send)
        asked: asyncio.Future[None] = asyncio.ensure_future(self._app(scope, answer.receive, answer.send))
        try:
            if _reads(scope):
                await self._answer_begins(asked, answer)
            await asyncio.wait({asked})
        finally:
            asked.cancel()
        if not answer.begun:
            await answer.refuse("no answer began in time, or the process that had the request ended")
        if not asked.cancelled():
            asked.result()  # what it raised goes on to the server's log

    async def _answer_begins(self, asked: "asyncio.Future[None]", answer: "_Answer") -> None:
        """Wait until it does; past the time, `asked` is cancelled and the client told."""
        begins: asyncio.Future[Any] = asyncio.ensure_future(answer.begins.wait())
        try:
            while not asked.done() and not answer.begun:
                left_s = answer.asked_at + self._wait_s - asyncio.get_running_loop().time()
                if left_s <= 0:
                    asked.cancel()
                    break
                await asyncio.wait([asked, begins], timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begins.cancel()


def _reads(scope: Scope) -> bool:
    """Whether nothing is changed by the request, so that nobody need know how far it came."""
    return scope["method"] in ("GET", "HEAD") or scope["path"].endswith("/search")


class _Answer:
    """What the application sends, or in its place a problem."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._replaced = False
        self.begins = asyncio.Event()
        self.asked_at = asyncio.get_running_loop().time()  # the last part of the request came

    @property
    def begun(self) -> bool:
        return self.begins.is_set()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.asked_at = asyncio.get_running_loop().time()
        return message

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start" and _by_serve(message):
            self._replaced = True
            await self.refuse(f"Serve itself answered {message['status']}")
            return
        if message["type"] == "http.response.start":
            message = {**message, "headers": _named_once(message["headers"])}
        self.begins.set()
        await self._send(message)

    async def refuse(self, why: str) -> None:
        # Written by hand: problems.py brings FastAPI and pydantic along, which Serve's proxies do not have to load.
        self.begins.set()
        instance = f"urn:uuid:{uuid.uuid4()}"
        log.warning("%s %s %s 503: %s", instance, self._scope["method"], self._scope["path"], why)
        body = json.dumps(
            {
                "type": f"{PROBLEMS_PATH}#503",
                "title": "Not available now",
                "status": 503,
                "detail": "The service is starting, busy, or lost a part that is coming back; ask again in a moment.",
                "instance": instance,
            }
        ).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", str(RETRY_AFTER_S).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (_REQUEST_ID, instance.removeprefix("urn:uuid:").encode()),
        ]
        await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _named_once(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without the second X-Request-ID: Serve adds one of its own, and the log has the application's."""
    kept: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if name.lower() != _REQUEST_ID or all(other.lower() != _REQUEST_ID for other, _ in kept):
            kept.append((name, value))
    return kept


def _by_serve(start: Message) -> bool:
    """Whether this is Serve's own way to say that there is no answer; the application's are JSON."""
    kind = next((value for name, value in start["headers"] if name.lower() == b"content-type"), b"")
    return start["status"] in _SERVE_STATUSES and kind.startswith(b"text/plain")
