"""ETags: a client that has an answer already is told so, and gets it no second time (RFC 9110, section 13)."""

import hashlib
from collections.abc import Mapping

from fastapi import Request, Response

_OF_CONTENT = frozenset({"accept-ranges", "content-disposition", "content-length", "content-type"})


def etag_of(content: bytes) -> str:
    """The ETag of an answer with this content, or with one that is made of this."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """The answer to a client that has what it asks for, as its If-None-Match says; None if it has not.

    Args:
        request: of the client.
        headers: of the whole answer, with `ETag`; those about its content are left out here.
    """
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in _OF_CONTENT}
    # Weak comparison, as for all of If-None-Match.
    held = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return Response(status_code=304, headers=kept) if kept["etag"] in held or "*" in held else None
