"""Routes that change something, and those that tell who changed what."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from footage.audit_log import AuditLog
from footage.key_changes import end_key, make_key
from serve_apps.access import Access, Caller
from serve_apps.api_types import Changed
from serve_apps.backend import Backend
from serve_apps.change_types import AuditItem, AuditPage, KeyItem, KeyList, KeyMade, KeyWanted
from serve_apps.changes import Changes
from serve_apps.cursor import Cursors
from serve_apps.problems import declared, problem
from serve_apps.search_query import Cursor, NoParameters, Parameters


class DeletionQuery(Parameters):
    """How a video is deleted."""

    force: bool = Field(default=False, description="Also if its source is there, or a dataset refers to it")


class AuditQuery(Parameters):
    """Which part of the audit log."""

    limit: int = Field(default=50, ge=1, le=500, description="At most this many entries")
    cursor: Cursor = None


def changes_router(backend: Backend, access: Access) -> APIRouter:
    """The routes of what this service changes."""
    router = APIRouter(prefix="/v1")
    editor = Annotated[Caller, Depends(access.editor)]
    admin = Annotated[Caller, Depends(access.admin)]
    nothing = Annotated[NoParameters, Query()]

    @router.delete(
        "/videos/{video_id}",
        operation_id="delete_video",
        tags=["videos"],
        responses=declared(400, 401, 403, 404, 429, 503),
    )
    def delete_video(video_id: str, query: Annotated[DeletionQuery, Query()], caller: editor) -> Changed:
        """Remove a video from the index. Its sources are never touched.

        It stays, and `done` is false, while its source is there or a dataset refers to it, unless `force` is given.
        Needs the role editor.
        """
        return Changes(backend, caller).delete_video(video_id, query.force)

    @router.put(
        "/datasets/{name}/videos/{video_id}",
        operation_id="add_to_dataset",
        tags=["datasets"],
        responses=declared(400, 401, 403, 404, 429, 503),
    )
    def add_to_dataset(name: str, video_id: str, caller: editor, _: nothing) -> Changed:
        """Put a video into a dataset; it stays indexed while it is in one. Needs the role editor."""
        return Changes(backend, caller).add_to_dataset(name, video_id)

    @router.delete(
        "/datasets/{name}/videos/{video_id}",
        operation_id="remove_from_dataset",
        tags=["datasets"],
        responses=declared(400, 401, 403, 404, 429, 503),
    )
    def remove_from_dataset(name: str, video_id: str, caller: editor, _: nothing) -> Changed:
        """Take a video out of a dataset. Needs the role editor."""
        return Changes(backend, caller).remove_from_dataset(name, video_id)

    @router.get("/keys", operation_id="list_keys", tags=["keys"], responses=declared(401, 403, 429, 503))
    def keys(caller: admin, _: nothing) -> KeyList:
        """The keys of the workspace, expired and revoked ones too. Needs the role admin."""
        now = datetime.now(UTC)
        return KeyList(keys=[KeyItem.of(key, now) for key in access.keys.all(backend.reads, caller.workspace)])

    @router.post(
        "/keys",
        status_code=201,
        operation_id="create_key",
        tags=["keys"],
        responses=declared(400, 401, 403, 413, 429, 503),
    )
    def create_key(wanted: KeyWanted, caller: admin, _: nothing) -> KeyMade:
        """Make a key of the workspace. It is shown in this answer and never again. Needs the role admin."""
        now = datetime.now(UTC)
        new = make_key(
            backend.store,
            caller.actor,
            caller.workspace,
            wanted.role,
            now,
            wanted.expires_in_s,
            wanted.name,
            wanted.requests_per_minute,
        )
        return KeyMade.made(new, now)

    @router.delete(
        "/keys/{key_id}", operation_id="revoke_key", tags=["keys"], responses=declared(401, 403, 404, 429, 503)
    )
    def revoke_key(key_id: str, caller: admin, _: nothing) -> Changed:
        """End a key of the workspace. Other processes of the service notice within `serve.key_cache_s`.

        Needs the role admin.
        """
        try:
            before = end_key(backend.store, caller.actor, key_id, datetime.now(UTC), caller.workspace)
        finally:
            access.forget(key_id)  # also if it was ended and could not be noted
        if before is None:
            raise problem(404, f"There is no key {key_id!r} in this workspace; GET /v1/keys lists them.")
        if before.revoked_at is not None:
            return Changed(done=False, detail=f"The key was revoked before, at {before.revoked_at}.")
        return Changed(done=True, detail="The key works no more.")

    @router.get("/audit", operation_id="list_audit", tags=["keys"], responses=declared(400, 401, 403, 429, 503))
    def audit(query: Annotated[AuditQuery, Query()], caller: admin) -> AuditPage:
        """Who changed what, the latest first. Needs the role admin."""
        cursors = Cursors(access.secret, "audit", caller.workspace, caller.key_id)
        log = AuditLog(backend.store, caller.workspace)
        entries, position = log.page(backend.reads, query.limit, cursors.read(query.cursor))
        return AuditPage(entries=[AuditItem.of(entry) for entry in entries], next_cursor=cursors.make(position))

    return router
