"""Ids that name what they stand for, so that every write can be repeated."""

import hashlib
import re
import uuid

from footage.errors import SettingsError

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "footage")
VIDEO_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def check_name(what: str, name: str) -> str:
    """The name itself, of a workspace or a dataset. Names are parts of keys, and keys keep tenants apart.

    Args:
        what: it names, for the message.
        name: to check.

    Raises:
        SettingsError: it is not a name.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"The {what} {name!r} cannot be used: a name has 1 to 64 characters, which are letters from a to z, digits,"
            " `.`, `_` or `-`, and does not begin with `.` or `-`."
        )
    return name


def video_id(workspace: str, sha256: str) -> str:
    """The id of a content within a workspace: two sources with the same bytes are one video."""
    return str(uuid.uuid5(NAMESPACE, f"video/{workspace}/{sha256}"))


def scene_id(video_id: str, start_s: float) -> str:
    """The id of a scene: its video and its start in whole milliseconds, whatever span it was found in."""
    return str(uuid.uuid5(uuid.UUID(video_id), f"scene/{round(start_s * 1000)}"))


def point_id(scene_id: str, generation: str) -> str:
    """The id of a scene's point in the vector index; each generation (pipeline fingerprint) has its own."""
    return str(uuid.uuid5(uuid.UUID(scene_id), f"point/{generation}"))


def quarantine_id(uri: str, span_index: int | None) -> str:
    """The id of the quarantine record of a source, or of one span of it."""
    return str(uuid.uuid5(NAMESPACE, f"quarantine/{uri}/{'' if span_index is None else span_index}"))


def uri_hash(uri: str) -> str:
    """A key-safe name for a URI (a URI is never a path: it may hold `..` or a slash)."""
    return hashlib.sha256(uri.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def source_state(etag: str, size_bytes: int, fingerprint: str) -> str:
    """16 hex digits for a source as one pipeline has indexed it; they differ where it has to be read again."""
    return hashlib.sha256(f"{size_bytes}/{fingerprint}/{etag}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
