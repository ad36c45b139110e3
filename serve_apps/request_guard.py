"""What counts for every request whatever its route: how long its body may be, who may reach the open mode, and what is
answered when the service itself fails.
"""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_apps.open_mode import refusal
from serve_apps.problems import HttpProblem, fault, problem, problem_response


class BodyTooLarge(Exception):
    """More came than may; never leaves this file."""


class RequestGuard:
    """ASGI middleware. What it refuses is answered as a problem, like what routes refuse."""

    def __init__(self, app: ASGIApp, most_bytes: int, is_open: bool, origins: Collection[str]) -> None:
        """Stand before an application.

        Args:
            app: the application.
            most_bytes: of a body; it is counted as it comes, since a header may lie or be absent.
            is_open: no keys are needed, so other pages are to be kept out; see open_mode.
            origins: of pages that may call the open service.
        """
        self._app = app
        self._most_bytes = most_bytes
        self._is_open = is_open
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        headers = Headers(scope=scope)
        client = scope.get("client")
        peer = client[0] if client else None
        refused = refusal(peer, scope["method"], headers, self._origins) if self._is_open else None
        if refused is not None:
            await problem_response(problem(403, refused), Request(scope))(scope, receive, send)
            return
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._most_bytes:
            await problem_response(self._too_large(), Request(scope))(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0
        is_begun = False

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._most_bytes:
                    raise BodyTooLarge
            return message

        async def telling(message: Message) -> None:
            nonlocal is_begun
            if received > self._most_bytes and not is_begun:
                return  # the route took the body for unreadable; what is wrong with it is said below
            if message["type"] == "http.response.start":
                is_begun = True
                MutableHeaders(scope=message).update(scope["state"].get("headers", {}))
                if self._is_open:  # not for <img> and <script> of other pages either
                    MutableHeaders(scope=message).setdefault("Cross-Origin-Resource-Policy", "same-origin")
            await send(message)

        try:
            await self._app(scope, counting, telling)
        except Exception as error:
            if is_begun:
                raise
            if received <= self._most_bytes:
                await fault(scope, error)(scope, counting, telling)
                raise  # so that the server logs where it came from
        if received > self._most_bytes and not is_begun:
            await problem_response(self._too_large(), Request(scope))(scope, receive, send)

    def _too_large(self) -> HttpProblem:
        return problem(
            413,
            f"The body of a request may have {self._most_bytes / 2**20:g} MiB at most.",
            {"Connection": "close"},  # the rest of the body is not read
        )
