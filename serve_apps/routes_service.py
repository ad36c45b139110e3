"""What the service says of itself: whether it is well, who asks, and its figures."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from footage.toy_lists import toy_lists
from serve_apps.access import Access, Caller
from serve_apps.api_types import Health, Me
from serve_apps.backend import Backend
from serve_apps.observing import Metrics
from serve_apps.open_mode import is_from_here, is_loopback
from serve_apps.problem_types import RETRY_AFTER_S
from serve_apps.problems import declared
from serve_apps.recent import Recent
from serve_apps.search_query import NoParameters

_HEALTH_GOOD_FOR_S = 1.0  # whoever asks, and however often: each look encodes a query


def service_router(backend: Backend, access: Access, metrics: Metrics) -> APIRouter:
    """The routes about the service."""
    router = APIRouter(tags=["service"])
    reader = Annotated[Caller, Depends(access.reader)]
    nothing = Annotated[NoParameters, Query()]
    recent: Recent[Health] = Recent(_HEALTH_GOOD_FOR_S)

    @router.get(
        "/v1/health",
        operation_id="health",
        responses=declared() | {503: {"model": Health, "description": "A part does not answer"}},
    )
    def health(response: Response, _: nothing) -> Health:
        """Whether searches can be answered, as it was within the last second. Needs no key."""
        found = recent.get("health", backend.health)
        if found.state != "ok":
            response.status_code = 503
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return found

    @router.get("/v1/me", operation_id="me", responses=declared(401, 429, 503))
    def me(caller: reader, _: nothing) -> Me:
        """Who asks, and what they may do."""
        return Me(
            workspace=caller.workspace,
            role=caller.role,
            key_id=caller.key_id,
            expires_at=caller.expires_at,
            requests_per_minute=caller.requests_per_minute,
            toy_lists=sorted(toy_lists(backend.settings)),
            max_image_mib=backend.settings.serve.max_image_mib,
        )

    @router.get(
        "/metrics",
        operation_id="metrics",
        response_class=Response,
        responses=declared(401, 403, 429) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def figures(request: Request, _: nothing) -> Response:
        """Figures of this process for Prometheus. From another machine it needs the role admin."""
        if not _is_local(request):
            await access.admin(request)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _is_local(request: Request) -> bool:
    """Whether a program of this machine asks, and not a page that has its own name lead here."""
    peer = request.client.host if request.client is not None else None
    return is_from_here(peer, request.headers) and is_loopback(request.headers.get("host", ""))
