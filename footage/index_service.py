"""Calls of an index that this process owns, by other processes of this machine, on a Unix socket.

One line asks, one answers (index_wire.py); nothing is unpickled. The socket lies in a folder that only its user can
enter, and its path stands in `scenes.address` beside the index, since the path of a socket may have 107 bytes only.
"""

import contextlib
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Set
from pathlib import Path
from typing import Any

from footage.errors import FootageError, StoreError
from footage.index_wire import from_line, to_line
from footage.scratch import Scratch

LOG = logging.getLogger(__name__)
GIVEN, REFUSED, FAILED = "given", "refused", "failed"  # begin an answer
_DRAIN_S = 10.0  # for calls that are being answered when the owner closes; nearly all take milliseconds


def address_file(index: Path) -> Path:
    """Where the owner of an index says on which socket it answers."""
    return index.with_name(index.name + ".address")


class IndexService:
    """Answers calls, each connection in a thread of its own, until close()."""

    def __init__(self, index: object, path: Path, methods: Set[str]) -> None:
        """Serve `methods` of `index`, which lies at `path`.

        Raises:
            StoreError: there is no socket, or no room for its address.
        """
        self._scratch = Scratch()
        self._address = address_file(path)
        self._closing = False
        self._serving: dict[threading.Thread, socket.socket] = {}
        service = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                service._serving[threading.current_thread()] = self.connection
                # One that came while the service closes was not told to end.
                while not service._closing and (line := self.rfile.readline()):
                    self.wfile.write(_answer(index, methods, line))

            def finish(self) -> None:
                service._serving.pop(threading.current_thread(), None)
                super().finish()

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 128  # who connects while so many wait is refused

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Called where the handler raised: who asked is told, and the owner goes on."""
                error = sys.exc_info()[1]
                if isinstance(error, OSError):
                    return  # who asked is gone
                LOG.error("A call of the index failed.", exc_info=error)
                with contextlib.suppress(OSError):
                    request.sendall(to_line([FAILED, f"{type(error).__name__}: {error}"]))

        self._socket = f"{self._scratch.path}/index.sock"
        with contextlib.ExitStack() as undo:
            undo.callback(self._scratch.remove)
            try:
                self._server = Server(self._socket, Handler)
                undo.callback(self._server.server_close)
                self._address.write_text(self._socket)  # who connects now waits
            except OSError as error:
                raise StoreError(
                    f"No other program can be answered about the index {path} ({error.strerror or error}): see that"
                    f" {self._address.name} beside it can be written, and that there is room for temporary files."
                ) from error
            undo.callback(self._address.unlink)
            self._accepting = threading.Thread(target=self._accept, daemon=True, name="index-service")
            self._accepting.start()
            undo.pop_all()

    def close(self) -> None:
        """Stop answering; what is being answered is answered."""
        self._address.unlink(missing_ok=True)
        self._closing = True
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as waker:
            waker.connect(self._socket)  # accept() does not notice that its socket is closed
        self._accepting.join()
        self._server.server_close()
        for how, wait_s in ((socket.SHUT_RD, _DRAIN_S), (socket.SHUT_RDWR, 1.0)):
            self._end_connections(how, wait_s)
        self._scratch.remove()

    def _end_connections(self, how: int, wait_s: float) -> None:
        serving = dict(self._serving)
        for connection in serving.values():
            with contextlib.suppress(OSError):  # it ends by itself
                connection.shutdown(how)
        deadline = time.monotonic() + wait_s
        for thread in serving:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        """Not serve_forever(), which looks twice a second whether it is to end: a search would take that longer."""
        while not self._closing:
            self._server.handle_request()  # one that cannot be taken ends nothing


def _answer(index: object, methods: Set[str], line: bytes) -> bytes:
    """What a line asks for; the errors that footage raises on purpose are part of it."""
    method, arguments = from_line(line)
    if method not in methods:
        raise ValueError(f"an index has no {method!r}")
    try:
        given = getattr(index, method)(*arguments)
    except FootageError as error:
        return to_line([REFUSED, type(error).__name__, str(error)])
    except OSError as error:  # of the index: a full disk, say; those of the connection are met outside
        LOG.error("A call of the index failed.", exc_info=error)
        return to_line([FAILED, f"{type(error).__name__}: {error}"])
    return to_line([GIVEN, given])
