"""The keys of the objects below a folder, in the order of their bytes, with the memory of one folder at a time."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from footage.storage import StoredObject

_FOLDER = b"/"  # ends the name of a folder: with it, names are in the order of the keys that begin with them


def walk_keys(root: Path, folder: str, beginning: str, after: str = "") -> Iterator[str]:
    """Keys of the files at any depth below a folder whose path there begins with `beginning`, in byte order.

    Args:
        root: where keys begin.
        folder: a key's first parts, or empty.
        beginning: of the next part, which may be empty.
        after: keys up to this one are left out, and folders that have no later ones are not opened.

    Files and folders that vanish meanwhile are left out, and so are hidden ones and links to folders, which may be
    loops.
    """
    return map(os.fsdecode, _walk(os.fsencode(root), os.fsencode(folder), os.fsencode(beginning), os.fsencode(after)))


def walk_entries(root: Path, folder: str, beginning: str) -> Iterator[StoredObject]:
    """What walk_keys gives, with sizes and times."""
    for key in walk_keys(root, folder, beginning):
        try:
            info = os.stat(root / key)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it is gone, or its folder is
        if stat.S_ISREG(info.st_mode):
            yield StoredObject(key, info.st_size, info.st_mtime)


def next_parts(root: Path, folder: str, after: str = "") -> Iterator[str]:
    """The folders of a folder that have a file in them, at any depth, in the order of the keys below them.

    Args:
        root: where keys begin.
        folder: a key's first parts, or empty.
        after: folders up to this one are left out, and not opened; empty: none are.
    """
    where, past = os.fsencode(root / folder), os.fsencode(after) + _FOLDER
    for name in _names(where, b""):
        if name.endswith(_FOLDER) and (not after or name > past) and _holds_file(os.path.join(where, name)):
            yield os.fsdecode(name.removesuffix(_FOLDER))


def _walk(root: bytes, folder: bytes, beginning: bytes, after: bytes = b"") -> Iterator[bytes]:
    """Walks without recursion, so that a key costs the same at any depth; the stack holds what is left of each level.

    It is one list of names for a folder on the way, each popped from its end.
    """
    levels = [(folder, _reversed_names(os.path.join(root, folder), beginning))]
    while levels:
        base, names = levels[-1]
        if not names:
            levels.pop()
            continue
        key = os.path.join(base, names.pop())
        if key <= after and not (key.endswith(_FOLDER) and after.startswith(key)):
            continue
        if key.endswith(_FOLDER):
            key = key.removesuffix(_FOLDER)
            levels.append((key, _reversed_names(os.path.join(root, key), b"")))
        else:
            yield key


def _reversed_names(folder: bytes, beginning: bytes) -> list[bytes]:
    names = _names(folder, beginning)
    names.reverse()
    return names


def _names(folder: bytes, beginning: bytes) -> list[bytes]:
    """The names of a folder that can be parts of keys, in order; those of folders end with a slash."""
    names = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(beginning) or entry.name.startswith(b".") or b"\\" in entry.name:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    names.append(entry.name + _FOLDER)
                elif entry.is_file():
                    names.append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names.sort()
    return names


def _holds_file(folder: bytes) -> bool:
    return next(_walk(folder, b"", b""), None) is not None
