"""Addresses that open one object of one workspace for a limited time, without a key: for `<img>` and `<video>`.

The signature is an HMAC-SHA256 (RFC 2104) over the workspace, the path and the time at which it ends.
"""

import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from footage.record_store import create_record, get_record
from footage.sidecar import Stored
from footage.storage import ObjectStore
from footage.timestamps import utc_now

SECRET_KEY = "service/url-secret.json"
PARAMETERS = ("expires", "workspace", "signature")
_SECRET_BYTES = 32
_STEPS = 4  # an address stays the same for a quarter of its lifetime, so that browsers find the picture in their cache


class StoredSecret(Stored):
    """The secret that all services of a store share. Removing it ends all addresses and cursors given so far."""

    schema_version: Literal[1] = 1
    secret_hex: str
    created_at: str


def service_secret(store: ObjectStore) -> bytes:
    """The secret of a store, made by whichever service is first.

    Raises:
        StoreError: the store cannot be used.
    """
    while True:
        held = get_record(store, SECRET_KEY, StoredSecret)
        if held is not None:
            return bytes.fromhex(held.secret_hex)
        made = StoredSecret(secret_hex=secrets.token_hex(_SECRET_BYTES), created_at=utc_now())
        create_record(store, SECRET_KEY, made)


def derived(secret: bytes, purpose: str) -> bytes:
    """A secret for one purpose, so that what is signed for one never counts for another."""
    return hmac.digest(secret, f"footage {purpose}".encode(), "sha256")


@dataclass(frozen=True)
class UrlSigner:
    """Signs paths and checks what comes back."""

    secret: bytes
    lifetime_s: int

    def sign(self, path: str, workspace: str, now: float, ends_at: float | None = None) -> str:
        """The path with its signature, good for the lifetime or up to a quarter longer.

        Args:
            path: of the object, from the first slash; what follows a `#` is for the client, and stays at the end.
            workspace: that has the object.
            now: POSIX seconds.
            ends_at: when it must be over in any case, as the key is, POSIX seconds.
        """
        path, hash_sign, fragment = path.partition("#")
        step = max(1, self.lifetime_s // _STEPS)
        expires = math.ceil((now + self.lifetime_s) / step) * step
        if ends_at is not None:
            expires = min(expires, int(ends_at))
        query = {"expires": str(expires), "workspace": workspace}
        query["signature"] = self._signature(path, workspace, str(expires))
        return f"{path}?{urlencode(query)}{hash_sign}{fragment}"

    def workspace_of(self, path: str, query: QueryParams, now: float) -> str | None:
        """The workspace for which a request's path is signed; None if it is not, or not any more."""
        values = [query.getlist(name) for name in PARAMETERS]
        if any(len(value) != 1 for value in values):
            return None
        expires, workspace, signature = (value[0] for value in values)
        wanted = self._signature(path, workspace, expires)
        # Compared as bytes: text that is not ASCII is an error there, and this comes from outside.
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "surrogatepass")):
            return None
        return workspace if int(expires) > now else None  # digits: we signed them

    def _signature(self, path: str, workspace: str, expires: str) -> str:
        text = "\n".join((workspace, expires, path))  # neither of the first two has a line end where we signed it
        return hmac.new(self.secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
