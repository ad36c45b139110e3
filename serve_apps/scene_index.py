"""The process of the service that owns the embedded index."""

import contextlib
import threading
from pathlib import Path

from footage.errors import FootageError
from footage.index_records import IndexSpec, SceneFilter
from footage.shared_index import SharedIndex
from serve_apps.service_log import log

_LOOK_S = 0.1


class SceneIndex:
    """A deployment of one process. Dead, it is started again and loads the index, whose log has all it confirmed.

    The processes that answer HTTP ask it as runs on this machine do, on its socket (footage/index_service.py), which
    costs less than calls by way of Serve. While another program owns the index (a run that began first), that one is
    asked, and this takes over as soon as it ends.
    """

    def __init__(self, path: Path, spec: IndexSpec, patience_s: float) -> None:
        self._closing = contextlib.ExitStack()  # first: __del__ is called too if what follows fails
        index = SharedIndex(path, spec, "footage serve", patience_s, create=False)
        self._closing.callback(index.close)
        ends = threading.Event()
        looking = threading.Thread(target=_see_it_owned, args=(index, ends), daemon=True, name="index-owner")
        looking.start()
        self._closing.callback(looking.join)
        self._closing.callback(ends.set)

    def __del__(self) -> None:
        """Called by Serve after the last request: the next process gets the index at once."""
        self._closing.close()


def _see_it_owned(index: SharedIndex, ends: threading.Event) -> None:
    """Call it again and again, which takes it where nobody has it."""
    while not ends.wait(_LOOK_S):
        try:
            index.count(SceneFilter(""))
        except FootageError as error:
            log.error("The index does not answer: %s", error)
