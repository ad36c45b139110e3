"""Cursors: where the next page of an answer begins, signed: each counts for its own request only."""

import base64
import hashlib
import hmac
import json
from typing import Any

from serve_apps.problems import HttpProblem, problem

_MAC_BYTES = 16  # 128 bits: guessing is hopeless, and the cursor short


class Cursors:
    """Makes and reads the cursors of one caller and one request."""

    def __init__(self, secret: bytes, *request: Any) -> None:
        """Take what a cursor is good for.

        Args:
            secret: of the service; see access.Access.
            request: what has to be the same when the cursor comes back, such as workspace, key, route and filters;
                all of it JSON.
        """
        canonical = json.dumps(request, sort_keys=True, ensure_ascii=True)
        self._key = hmac.digest(secret, b"cursor/" + canonical.encode(), hashlib.sha256)

    def make(self, position: str | None) -> str | None:
        """The cursor of a position; None stays None: there is no next page."""
        if position is None:
            return None
        data = position.encode()
        return base64.urlsafe_b64encode(self._mac(data) + data).decode().rstrip("=")

    def read(self, cursor: str | None) -> str | None:
        """The position of a cursor; None stays None: the first page.

        Raises:
            HttpProblem: 400, it was not made by this service for this caller and this request.
        """
        if cursor is None:
            return None
        try:
            whole = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        except ValueError as error:
            raise _refused() from error
        mac, data = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(data)):
            raise _refused()
        return data.decode()

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, hashlib.sha256)[:_MAC_BYTES]


def _refused() -> HttpProblem:
    return problem(
        400,
        "The cursor was not given for this request: send `next_cursor` of the page before with the same key and the"
        " same parameters (`limit` may change), or leave it out to begin anew.",
    )
