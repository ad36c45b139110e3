"""Sources on this machine: the videos of a folder, or one file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from footage.errors import SettingsError, StoreUnavailable
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
_GONE = (FileNotFoundError, NotADirectoryError)


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
        raise SettingsError(f"{uri} is not a file of this machine.")
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def folder_path(address: str) -> Path:
    """The path that users name as it is, or by its file URI."""
    return local_path(address) if address.startswith("file://") else Path(address)


def has_video_suffix(name: str) -> bool:
    """Whether a file of this name is listed."""
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES


def file_source(path: str | Path) -> Source:
    """The source record of one file; one that cannot be reached is a source all the same, so that it is reported."""
    try:
        info = os.stat(path)
    except OSError:
        return Source(file_uri(path), MISSING_ETAG, 0)
    return Source(file_uri(path), f"{info.st_mtime_ns:x}-{info.st_size:x}", info.st_size)


def modified_at_s(source: Source) -> float | None:
    """When a file was last written to, in POSIX seconds, as its record says; None where it could not be reached."""
    return None if source.etag == MISSING_ETAG else int(source.etag.partition("-")[0], 16) / 1e9


def is_file_present(path: Path) -> bool:
    """Whether a file is there.

    Raises:
        StoreUnavailable: it cannot be told: the system gives an error other than that it is not there, or a disk may
            not be mounted, or another machine's files be meant: its folder is gone too, and the nearest one that is
            left is empty or the root; or it is an empty place to mount something.
    """
    try:
        os.stat(path)
    except _GONE as error:
        folder = path.absolute().parent
        there = next(above for above in (folder, *folder.parents) if above.is_dir())
        if there == folder:
            is_unsure = folder.is_mount() and not any(folder.iterdir())
        else:
            is_unsure = there == there.parent or not any(there.iterdir())
        if is_unsure:
            raise StoreUnavailable(
                f"{path} cannot be looked for: {there} is all that is left of its folder here, and tells nothing."
                " If a disk belongs there, mount it; if the file is another machine's, ask there; if its folder was"
                " removed on purpose, make it again with any file in it."
            ) from error
        return False
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be looked for: {error.strerror}. Look at its disk and its permissions."
        ) from error
    return True


def list_local(source: str) -> Iterator[Source]:
    """The videos that a folder holds (at any depth, in name order), or the one file that `source` is.

    Hidden files and folders are left out, and so is what a link to a folder leads to, which could be a loop.

    Raises:
        SettingsError: the source is not there, or a folder in it cannot be read: its videos would be missing in
            silence.
    """
    root = folder_path(source)
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
            if not name.startswith(".") and has_video_suffix(name):
                yield file_source(os.path.join(folder, name))


def _refuse_folder(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return  # it was removed just now, and its videos with it
    raise SettingsError(
        f"The folder {error.filename} cannot be read: {error.strerror}. Give this user permission (chmod u+rx), move "
        "it away, or index the folders beside it one by one."
    ) from error
