"""Searches for scenes: by words, by a picture, and by a scene."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from footage.search import SearchResponse
from serve_apps.access import Access, Caller
from serve_apps.addresses import Addresses
from serve_apps.api_types import SearchAnswer
from serve_apps.backend import Backend
from serve_apps.cursor import Cursors
from serve_apps.hits import scene_hit
from serve_apps.ids import checked_scene
from serve_apps.observing import Metrics
from serve_apps.pictures import picture_of
from serve_apps.problems import declared
from serve_apps.search_query import SceneQuery, SearchForm, SearchQuery
from serve_apps.search_traces import trace_search


def search_router(backend: Backend, access: Access, metrics: Metrics) -> APIRouter:
    """The routes that search.

    They are coroutines that hand all of it, up to the JSON, to a thread of the loop's own: FastAPI would hand it to two
    of AnyIO's one after the other, which under Serve are started anew for each request.
    """
    router = APIRouter(tags=["search"])
    reader = Depends(access.reader)

    @router.get(
        "/v1/search",
        response_model=SearchAnswer,
        responses=declared(400, 401, 403, 404, 429, 503),
        operation_id="search",
    )
    async def search(
        caller: Annotated[Caller, reader], query: Annotated[SearchQuery, Query()], request: Request
    ) -> Response:
        """Find scenes by words, or by what a scene looks like, or both."""

        def answer() -> Response:
            cursors = _cursors(caller, "search", query.fingerprint(), None)  # None: no picture
            wanted = query.request(caller.workspace, _offset(cursors, query.cursor))
            return _answer(backend.searcher.search(wanted), cursors, caller, request)

        return await asyncio.to_thread(answer)

    @router.post(
        "/v1/search",
        response_model=SearchAnswer,
        responses=declared(400, 401, 403, 404, 413, 415, 429, 503),
        operation_id="search_form",
    )
    async def search_form(
        caller: Annotated[Caller, reader], form: Annotated[SearchForm, Form()], request: Request
    ) -> Response:
        """Find scenes by a picture, by words, or both: the parameters of the GET as fields of a form, and `image`."""

        def answer() -> Response:
            picture = picture_of(form.image, backend.settings.serve)
            digest = hashlib.sha256(picture).hexdigest() if picture is not None else None
            cursors = _cursors(caller, "search", form.fingerprint(), digest)
            wanted = form.request(caller.workspace, _offset(cursors, form.cursor))
            return _answer(backend.searcher.search(wanted, picture), cursors, caller, request)

        return await asyncio.to_thread(answer)

    @router.get(
        "/v1/scenes/{scene_id}/similar",
        response_model=SearchAnswer,
        responses=declared(400, 401, 403, 404, 429, 503),
        operation_id="similar_scenes",
    )
    async def similar(
        caller: Annotated[Caller, reader],
        scene_id: Annotated[str, Path()],
        query: Annotated[SceneQuery, Query()],
        request: Request,
    ) -> Response:
        """Find scenes that are like one in what is said, seen and captioned."""

        def answer() -> Response:
            cursors = _cursors(caller, "similar", scene_id, query.fingerprint())
            wanted = query.similar(checked_scene(scene_id), caller.workspace, _offset(cursors, query.cursor))
            return _answer(backend.searcher.similar(wanted), cursors, caller, request)

        return await asyncio.to_thread(answer)

    def _cursors(caller: Caller, *request: object) -> Cursors:
        return Cursors(access.secret, caller.workspace, caller.key_id, *request)

    def _answer(found: SearchResponse, cursors: Cursors, caller: Caller, request: Request) -> Response:
        metrics.searched(found.took_ms, len(found.hits))
        trace_search(backend.traces, request.state.instance, caller.workspace, found.took_ms, len(found.hits))
        addresses = Addresses(access, caller)
        answer = SearchAnswer(
            query=found.query,
            hits=[scene_hit(hit, addresses) for hit in found.hits],
            next_cursor=cursors.make(None if found.next_offset is None else str(found.next_offset)),
            left_out=found.left_out,
            lists=found.lists,
            took_ms=found.took_ms,
        )
        return Response(answer.model_dump_json(), media_type="application/json")

    return router


def _offset(cursors: Cursors, cursor: str | None) -> int:
    position = cursors.read(cursor)
    return int(position) if position is not None else 0
