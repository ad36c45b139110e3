"""Putting a folder in the place of another, so that a process may be killed at any moment.

There is no portable call that exchanges two folders, so the former one stays aside, under a name that says whose it is,
until the new one is there.
"""

import os
import shutil
from pathlib import Path

from footage.durable_files import sync_folder


def exchange_folder(fresh: Path, path: Path) -> None:
    """Put `fresh` in the place of the folder `path`, which is removed; both on one disk.

    Between two renames nothing is at `path`; settle_exchange mends that after a kill.
    """
    former = _former(path)
    for old, new in ((path, former), (fresh, path)):
        os.replace(old, new)
        sync_folder(path.parent)
    shutil.rmtree(former)


def settle_exchange(path: Path) -> None:
    """Bring back, or remove, what a killed exchange_folder left; the caller holds the lock of `path`."""
    former = _former(path)
    if not former.exists():
        return
    if path.exists():
        shutil.rmtree(former)
    else:
        os.replace(former, path)
        sync_folder(path.parent)


def folder_exists(path: Path) -> bool:
    """Whether the folder is there, or will be once a killed exchange is settled."""
    return path.exists() or _former(path).exists()


def rebuilt_folder(path: Path) -> Path:
    """Where the index at `path` is rebuilt before it is exchanged."""
    return path.parent / ".rebuilt" / path.name


def _former(path: Path) -> Path:
    return path.with_name(f".{path.name}.former")
