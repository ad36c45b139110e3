"""Building an embedded index anew beside itself, with graphs; reindexing.py puts it in place."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from footage.child_process import python_path
from footage.embedded_index import EmbeddedIndex
from footage.errors import StoreError
from footage.folder_exchange import rebuilt_folder
from footage.index import VectorIndex
from footage.index_copy import Copied, copy_index, points_missing
from footage.index_records import IndexSpec
from footage.ownership import Ownership, lock_of

_OWNER = "footage reindex"
_LOCK_WAIT_S = 2.0  # the child of a killed rebuild ends with it, at once


def build_aside(index: VectorIndex, path: Path, spec: IndexSpec, say: Callable[[str], None]) -> Copied:
    """Write all of an index anew beside it, and build the graphs. The index itself is read only, and may be searched.

    Args:
        index: that at `path`, whoever has it open; nobody writes to it meanwhile.
        path: folder of its scenes.
        spec: of the index.
        say: called with what is done now.

    Raises:
        IndexBusy: an earlier rebuild is still at work.
        StoreError: it could not be done; what there is of it is removed by the next one.
    """
    aside = rebuilt_folder(path)
    remove_aside(path)
    with EmbeddedIndex(aside, spec, owner=_OWNER) as fresh:
        copied = copy_index(index, fresh, lambda points: say(f"{points} scenes written anew"))
    say(f"{copied.points} scenes written anew; building their graphs")
    _optimize(aside)
    with EmbeddedIndex(aside, spec, owner=_OWNER, create=False) as fresh:
        if lost := points_missing(index, fresh).total():
            raise StoreError(
                f"The rebuilt index lacks {lost} of {copied.points} scenes, so the old one stays: copy its folder away"
                " before anything else is tried."
            )
    return copied


def remove_aside(path: Path) -> None:
    """Remove what a rebuild of the index at `path` left.

    Raises:
        IndexBusy: it is still at work.
    """
    aside = rebuilt_folder(path)
    if aside.parent.exists():
        held = Ownership(lock_of(aside), _OWNER, _LOCK_WAIT_S)
        shutil.rmtree(aside.parent)
        held.release()


def _optimize(path: Path) -> None:
    """Have a child process build the graphs of a closed index."""
    child = subprocess.run(
        [sys.executable, "-P", "-m", "footage.embedded_optimizer", str(path), str(os.getpid())],
        env={**os.environ, "PYTHONPATH": python_path()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if child.returncode:
        said = child.stderr.strip().splitlines()
        raise StoreError(
            f"The graphs of the index could not be built ({said[-1] if said else f'exit code {child.returncode}'}), so"
            " the old one stays: see that there is enough memory (three times the vectors) and disk, and try again."
        )
