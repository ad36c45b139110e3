"""Which videos a source names: the files of a folder, or one file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from footage.errors import SettingsError
from footage.records import Source

# Suffixes of the containers that the decoder opens (media_file.FORMATS); other files of a folder are left out.
VIDEO_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("mp4", "m4v", "mov", "qt", "mkv", "webm", "avi", "flv", "f4v", "ts", "m2ts", "mts", "mpg", "mpeg", "vob"),
        *("3gp", "3g2", "mj2", "wmv", "asf", "ogv", "mxf"),
    )
)
FSCK_FOLDER = "lost+found"  # at the top of most Linux disks, for root only, and never a place of videos
MISSING_ETAG = "missing"  # of a name that leads nowhere (a dangling link); the decoder says so with a reason


def file_uri(path: str | Path) -> str:
    """The file URI of a path; bytes that are not UTF-8 survive, percent-encoded."""
    return "file://" + quote_from_bytes(os.fsencode(os.path.abspath(path)))


def local_path(uri: str) -> Path:
    """The path of a file URI.

    Raises:
        SettingsError: the URI is of another kind.
    """
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise SettingsError(f"{uri} is not a local file, and this version of footage reads local files only.")
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def file_source(path: str | Path) -> Source:
    """The source record of one file; one that cannot be reached is a source all the same, so that it is reported."""
    try:
        info = os.stat(path)
    except OSError:
        return Source(file_uri(path), MISSING_ETAG, 0)
    return Source(file_uri(path), f"{info.st_mtime_ns:x}-{info.st_size:x}", info.st_size)


def list_sources(source: str) -> Iterator[Source]:
    """The videos that a folder holds (at any depth, in name order), or the one file that `source` is.

    Hidden files and folders are left out, and so is what a link to a folder leads to, which could be a loop.

    Raises:
        SettingsError: the source is not there or is of a kind that cannot be read, or a folder in it cannot be read:
            its videos would be missing in silence.
    """
    if "://" in source and not source.startswith("file://"):
        raise SettingsError(
            f"{source} cannot be read: this version of footage reads folders and files of this machine."
        )
    root = local_path(source) if source.startswith("file://") else Path(source)
    try:
        mode = os.stat(root).st_mode
    except OSError as error:
        raise SettingsError(f"The source {source} cannot be read: {error.strerror}.") from error
    if not stat.S_ISDIR(mode):
        yield file_source(root)
        return
    if not os.access(root, os.R_OK | os.X_OK):
        raise SettingsError(f"The source folder {source} cannot be read: no permission.")
    for folder, subfolders, files in os.walk(root, onerror=_refuse_folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != FSCK_FOLDER)
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES:
                yield file_source(os.path.join(folder, name))


def _refuse_folder(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return  # it was removed just now, and its videos with it
    raise SettingsError(
        f"The folder {error.filename} cannot be read: {error.strerror}. Give this user permission (chmod u+rx), move "
        "it away, or index the folders beside it one by one."
    ) from error


def in_working_order(sources: list[Source]) -> list[Source]:
    """One small video first: something is searchable early. Then the largest first: none of them makes a tail."""
    if not sources:
        return []
    by_size = sorted(sources, key=lambda source: (source.size_bytes, source.uri))
    # An empty or missing source shows nothing: the first one should be a video.
    first = next((source for source in by_size if source.size_bytes > 0), by_size[0])
    rest = [source for source in reversed(by_size) if source is not first]
    return [first, *rest]
