"""Where the bytes of an indexed video are: a file of this machine, an object in S3, or a URL of an allowed place."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from footage.errors import MissingSource
from footage.http_allow import AllowList
from footage.local_sources import local_path
from footage.remote_access import RemoteAccess
from footage.s3_sources import object_url, s3_source
from footage.s3_uri import is_s3
from footage.sidecar import Manifest, StoredSource
from footage.sources import is_http, source_name
from serve_apps.problems import HttpProblem, problem

# Nothing else: what has another suffix is handed out as bytes, never as a page or a script.
MEDIA_TYPES = {
    **dict.fromkeys(("mp4", "m4v", "f4v"), "video/mp4"),
    **dict.fromkeys(("mov", "qt"), "video/quicktime"),
    **dict.fromkeys(("mpg", "mpeg", "vob"), "video/mpeg"),
    **dict.fromkeys(("ts", "m2ts", "mts"), "video/mp2t"),
    **dict.fromkeys(("wmv", "asf"), "video/x-ms-wmv"),
    **{"mkv": "video/x-matroska", "webm": "video/webm", "avi": "video/x-msvideo", "flv": "video/x-flv"},
    **{"3gp": "video/3gpp", "3g2": "video/3gpp2", "mj2": "video/mj2", "ogv": "video/ogg", "mxf": "application/mxf"},
}
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class LocalOriginal:
    """A file of this machine."""

    path: Path
    info: os.stat_result
    name: str
    media_type: str


@dataclass(frozen=True)
class RemoteOriginal:
    """What another server has; `url` opens it for a short time, or, of http(s) sources, is the source's own."""

    url: str
    size_bytes: int
    media_type: str


Original = LocalOriginal | RemoteOriginal


def media_type_of(name: str) -> str:
    """The content type of a file of this name."""
    return MEDIA_TYPES.get(name.rpartition(".")[2].lower(), UNKNOWN_TYPE)


def find_original(manifest: Manifest, access: RemoteAccess, lifetime_s: int) -> Original:
    """The first source of a video that still holds what was indexed; files of this machine come first.

    Args:
        manifest: of the video.
        access: how sources are reached.
        lifetime_s: how long a URL that is made for an object is good.

    Raises:
        HttpProblem: 410, all are gone, or 409, one is there and was changed; the sentence says what to do.
        StoreError: the service of the bucket cannot be asked.
    """
    refusals = []
    for source in sorted(manifest.sources, key=_nearness):
        try:
            return _original(source, access, lifetime_s)
        except HttpProblem as refusal:
            refusals.append(refusal)
    raise min(refusals, key=lambda refusal: refusal.status_code)


def _nearness(source: StoredSource) -> int:
    return 1 if is_s3(source.uri) else 2 if is_http(source.uri) else 0


def _original(source: StoredSource, access: RemoteAccess, lifetime_s: int) -> Original:
    name = source_name(source.uri)
    if source.deleted_at is not None:
        raise problem(410, f"The original {name!r} was deleted after it was indexed, as the run was asked to.")
    if is_s3(source.uri):
        return _object(source, name, access, lifetime_s)
    if is_http(source.uri):
        return _linked(source, name, access)
    return _file(source, name)


def _file(source: StoredSource, name: str) -> LocalOriginal:
    path = local_path(source.uri)
    try:
        info = os.stat(path)
    except OSError as error:
        raise _gone(name) from error
    if not stat.S_ISREG(info.st_mode) or not os.access(path, os.R_OK):
        raise _gone(name)
    # The recorded etag has the time of the last change too. It is not compared: a file that was copied, or brought back
    # from a backup, has another one with the same content, and to read all of it here would take too long.
    if info.st_size != source.size_bytes:
        raise _changed(name)
    return LocalOriginal(path, info, name, media_type_of(name))


def _object(source: StoredSource, name: str, access: RemoteAccess, lifetime_s: int) -> RemoteOriginal:
    try:
        found = s3_source(source.uri, access.s3)
    except MissingSource as error:
        raise _gone(name) from error
    if (found.size_bytes, found.etag) != (source.size_bytes, source.etag):
        raise _changed(name)
    media_type = media_type_of(name)
    return RemoteOriginal(object_url(source.uri, access.s3, lifetime_s, media_type), found.size_bytes, media_type)


def _linked(source: StoredSource, name: str, access: RemoteAccess) -> RemoteOriginal:
    try:
        url = AllowList(access.sources.http_allow).url(source.uri)
    except MissingSource as error:
        raise problem(410, f"{name!r} is at a place that sources.http_allow of this service does not name.") from error
    return RemoteOriginal(str(url), source.size_bytes, media_type_of(name))


def _gone(name: str) -> HttpProblem:
    return problem(
        410,
        f"The file of this video, {name!r}, is not where it was when it was indexed, or cannot be read from this"
        " machine: bring it back, or index it where it is now.",
    )


def _changed(name: str) -> HttpProblem:
    return problem(409, f"{name!r} was changed since it was indexed, so its times may be wrong: index it again.")
