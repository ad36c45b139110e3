"""Who asks, in which workspace, and what they may do: every route has one of these as a dependency.

The workspace comes from the key, or from an address that was signed for it, and from nowhere else.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.middleware.cors import CORSMiddleware

from footage.api_keys import ApiKey, KeyBook, Role, permits, split_token
from footage.audit_log import Actor
from footage.errors import SettingsError
from footage.identity import check_name
from footage.serve_settings import ServeSettings
from footage.storage import ObjectStore
from serve_apps.checked_keys import CheckedKeys
from serve_apps.problems import problem
from serve_apps.rate_limits import RateLimiter
from serve_apps.request_guard import RequestGuard
from serve_apps.signed_urls import PARAMETERS, UrlSigner, derived, service_secret

OPEN_MODE = "open mode"
FAILURES_PER_MINUTE = 60  # unknown keys of one address, each of which the store is asked for

# For the OpenAPI document and its page; the headers are read below.
_Bearer = Annotated[object, Security(HTTPBearer(auto_error=False, description="A key: `footage keys create`"))]
_Header = Annotated[object, Security(APIKeyHeader(name="X-API-Key", auto_error=False))]

_HOW = "Send a key as `Authorization: Bearer KEY`, or as `X-API-Key: KEY`; an administrator makes keys."
_SHOWN_HEADERS = ("Retry-After", "RateLimit", "RateLimit-Policy", "Content-Range", "Accept-Ranges", "Location")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    workspace: str
    role: Role
    key_id: str | None  # None in the open mode, and where an address was signed
    expires_at: str | None = None
    requests_per_minute: int | None = None  # None: no limit
    name: str = ""  # of the key

    @property
    def actor(self) -> Actor:
        """As the audit log has it."""
        return Actor(self.name or (OPEN_MODE if self.key_id is None else "a key without a name"), self.key_id)


class Access:
    """Checks keys and signed addresses, and counts requests.

    `reader`, `editor`, `admin` and `signed_or_reader` are for `Depends`. They raise HttpProblem: 401 without a good
    key, 403 with too small a role, 429 above the limit; and StoreError where the store cannot be asked.

    Attributes:
        secret: for signing other things than addresses, such as cursors; the same in all services of the store.
        keys: the keys of the store.
    """

    def __init__(self, store: ObjectStore, settings: ServeSettings, open_workspace: str | None) -> None:
        """Read the secret of the store, or make it.

        Args:
            store: with the keys.
            settings: limits and lifetimes.
            open_workspace: whoever asks may do everything in this one, without a key. Only for a server that listens
                on loopback. None: keys are needed.

        Raises:
            SettingsError: every page of the world would be allowed into the open mode.
            StoreError: the store cannot be used.
        """
        if open_workspace is not None:
            check_name("workspace", open_workspace)
            if "*" in settings.cors_origins:
                raise SettingsError(
                    "serve.cors_origins is `*`, and without keys every page in this machine's browser could read and"
                    " delete. Name the pages, or make keys with `footage keys create`."
                )
        self.keys = KeyBook(store)
        self._settings = settings
        self._open_workspace = open_workspace
        self._checked = CheckedKeys(self.keys, settings.key_cache_s)
        self._limiter = RateLimiter()
        self._failures = RateLimiter()  # by address
        secret = service_secret(store)
        self._signer = UrlSigner(derived(secret, "address"), settings.url_lifetime_s)
        self.secret = derived(secret, "other")

    @property
    def is_open(self) -> bool:
        """Whether no key is needed."""
        return self._open_workspace is not None

    def install(self, app: FastAPI) -> None:
        """Put in front of all routes what counts for each: limits of bodies, other pages, headers of limits."""
        settings = self._settings
        app.add_middleware(
            RequestGuard,
            most_bytes=int(settings.max_body_mib * 2**20),
            is_open=self.is_open,
            origins=settings.cors_origins,
        )
        if settings.cors_origins:  # outermost, so that pages can read refusals too
            app.add_middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PUT", "DELETE"],
                allow_headers=["Authorization", "X-API-Key", "Content-Type", "Range"],
                expose_headers=_SHOWN_HEADERS,
            )

    async def caller(self, request: Request) -> Caller:
        """Who asks, whatever they may do. Counts the request."""
        if self._open_workspace is not None:
            request.state.workspace = self._open_workspace
            return Caller(self._open_workspace, "admin", None, name=OPEN_MODE)
        key = await self._key(_token(request), request.client.host if request.client is not None else "")
        allowed = key.requests_per_minute or self._settings.requests_per_minute
        allowance = self._limiter.take(key.key_id, allowed, time.monotonic())
        request.state.workspace, request.state.headers = key.workspace, allowance.headers()
        if not allowance.granted:
            raise problem(
                429,
                f"This key may make {allowed} requests a minute. Try again in {allowance.retry_in_s} s.",
            )
        return Caller(key.workspace, key.role, key.key_id, key.expires_at, allowed, key.name)

    async def reader(self, request: Request, _bearer: _Bearer = None, _header: _Header = None) -> Caller:
        """For what only reads."""
        return await self._with_role(request, "reader")

    async def editor(self, request: Request, _bearer: _Bearer = None, _header: _Header = None) -> Caller:
        """For what changes videos and datasets."""
        return await self._with_role(request, "editor")

    async def admin(self, request: Request, _bearer: _Bearer = None, _header: _Header = None) -> Caller:
        """For keys and the audit log."""
        return await self._with_role(request, "admin")

    async def signed_or_reader(self, request: Request, _bearer: _Bearer = None, _header: _Header = None) -> Caller:
        """For what browsers load by themselves: an address from sign() opens this one object; else as reader()."""
        if not any(name in request.query_params for name in PARAMETERS):
            return await self._with_role(request, "reader")
        workspace = self._signer.workspace_of(request.scope["path"], request.query_params, time.time())
        if workspace is None or (self.is_open and workspace != self._open_workspace):
            raise problem(
                401,
                "This address was not made by this service, or its time is over: search again for a new one.",
                _challenge(),
            )
        return Caller(workspace, "reader", None)

    def sign(self, path: str, caller: Caller) -> str:
        """An address that opens what is at a path of this service, for a while and without a key.

        Args:
            path: from the first slash; a fragment such as `#t=1,2` stays outside of the signature. The caller must
                have been shown to own the object.
            caller: of whose workspace it is.
        """
        if self.is_open:
            return path
        ends_at = None if caller.expires_at is None else datetime.fromisoformat(caller.expires_at).timestamp()
        return self._signer.sign(path, caller.workspace, time.time(), ends_at)

    def forget(self, key_id: str) -> None:
        """Do not count on what was found about a key before: it was just changed here."""
        self._checked.forget(key_id)

    async def _with_role(self, request: Request, needed: Role) -> Caller:
        caller = await self.caller(request)
        if not permits(caller.role, needed):
            raise problem(
                403,
                f"This needs a key with the role {needed}, and yours has the role {caller.role}.",
            )
        return caller

    async def _key(self, token: str, address: str) -> ApiKey:
        """The key of a token, if it can be used. From where too many wrong ones came, only known ones are looked at."""
        parts = split_token(token)
        if parts is not None:
            key_id, secret = parts
            now = time.monotonic()
            if not self._checked.was_found(key_id) and self._failures.is_empty(address, FAILURES_PER_MINUTE, now):
                raise problem(
                    429,
                    "Too many wrong keys came from this address. Try again in a minute.",
                    {"Retry-After": "60"},
                )
            key = await self._known(key_id)
            if key is not None and key.opens_with(secret):
                state = key.state(datetime.now(UTC))
                if state == "active":
                    return key
                raise problem(
                    401,
                    f"This key {'has expired' if state == 'expired' else 'was revoked'}. Ask for a new one.",
                    _challenge("invalid_token"),
                )
            self._failures.take(address, FAILURES_PER_MINUTE, now)
        raise problem(401, f"This key is not known. {_HOW}", _challenge("invalid_token"))

    async def _known(self, key_id: str) -> ApiKey | None:
        remembered = self._checked.remembered(key_id)
        if remembered is not None:
            return remembered[0]
        # Others may wait for the same look, and go on to if this one's client goes away.
        return await asyncio.shield(asyncio.wrap_future(self._checked.look_up(key_id)))


def _token(request: Request) -> str:
    """The key that was sent."""
    sent = []
    for value in request.headers.getlist("authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() != "bearer":
            raise problem(401, f"The scheme of Authorization is not Bearer. {_HOW}", _challenge())
        sent.append(token.strip())
    sent += request.headers.getlist("x-api-key")
    if not sent:
        raise problem(401, f"There is no key with this request. {_HOW}", _challenge())
    if len(set(sent)) > 1:
        raise problem(401, f"There are several keys with this request. {_HOW}", _challenge())
    return sent[0]


def _challenge(error: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="footage"' + (f', error="{error}"' if error else "")}
