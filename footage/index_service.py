"""Searches of an index that another process owns: the owner answers them on a Unix socket of this machine.

One JSON line asks, one answers; nothing is unpickled. The socket lies in a folder that only its user can enter, and
its path stands in `scenes.address` beside the index, since the path of a socket may have 107 bytes only.
"""

import contextlib
import json
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from footage.errors import IndexBusy, IndexFailed
from footage.index_records import IndexHit, IndexSpec, SceneFilter, VectorQuery
from footage.index_spec import check_spec
from footage.records import SparseVector, Vector
from footage.scratch import Scratch

LOG = logging.getLogger(__name__)
ANSWER_WITHIN_S = 10.0  # a search takes milliseconds; on a machine that indexes, seconds


class Searches(Protocol):
    """What an owner serves: VectorIndex has it."""

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search."""
        ...


def address_file(index: Path) -> Path:
    """Where the owner of an index says on which socket it answers."""
    return index.with_name(index.name + ".address")


class IndexService:
    """Answers searches in threads of the owning process until close()."""

    def __init__(self, index: Searches, path: Path) -> None:
        """Serve `index`, which lies at `path`."""
        self._scratch = Scratch()
        self._address = address_file(path)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline()
                if line:
                    self.wfile.write(json.dumps(_answer(index, json.loads(line))).encode() + b"\n")

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Called where the handler raised: who asked is told, and the owner goes on."""
                error = sys.exc_info()[1]
                if isinstance(error, OSError):
                    return  # who asked is gone
                LOG.error("A search of the index failed.", exc_info=error)
                with contextlib.suppress(OSError):
                    request.sendall(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode() + b"\n")

        self._server = Server(f"{self._scratch.path}/index.sock", Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="index-service").start()
        self._address.write_text(f"{self._scratch.path}/index.sock")

    def close(self) -> None:
        """Stop answering."""
        self._address.unlink(missing_ok=True)
        self._server.shutdown()
        self._server.server_close()
        self._scratch.remove()


class IndexClient:
    """Searches through the owner of an index."""

    def __init__(self, path: Path, spec: IndexSpec, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        """Find the owner's socket; each answer may take `answer_within_s` seconds.

        Raises:
            IndexBusy: the owner of the index does not answer searches.
            IndexMismatch: it holds vectors of other models than `spec` says.
        """
        check_spec(path, spec)
        self._answer_within_s = answer_within_s
        try:
            self._socket = address_file(path).read_text()
            self._ask({"limit": 0})
        except OSError as error:
            raise IndexBusy("The owner of the index does not answer searches.") from error

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search.

        Raises:
            IndexBusy: the owner ended meanwhile, or is too busy to answer.
            IndexFailed: the owner could not do the search; the message has its error.
        """
        asked = [{"list_name": query.list_name, **_vector_json(query.vector)} for query in queries]
        try:
            lists = self._ask({"queries": asked, "where": asdict(where), "limit": limit})
        except TimeoutError as error:
            raise IndexBusy(
                f"The owner of the index did not answer within {self._answer_within_s:g} s: it is busy. Try again."
            ) from error
        except OSError as error:
            raise IndexBusy("The owner of the index stopped while it was asked; try again.") from error
        return [[IndexHit(**hit) for hit in hits] for hits in lists]

    def close(self) -> None:
        """Nothing to give back."""

    def _ask(self, request: dict[str, Any]) -> Any:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(self._answer_within_s)
            connection.connect(self._socket)
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
                answer = stream.readline()
        if not answer:
            raise ConnectionError("closed without an answer")
        given = json.loads(answer)
        if isinstance(given, dict):
            raise IndexFailed(f"The owner of the index could not search it: {given['error']}.")
        return given


def _vector_json(vector: Vector | SparseVector) -> dict[str, Any]:
    if isinstance(vector, SparseVector):
        return {"indices": list(vector.indices), "values": list(vector.values)}
    return {"dense": vector.tolist()}


def _answer(index: Searches, request: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The lists that a request asks for; a limit of 0 only asks whether anybody is there."""
    if not request["limit"]:
        return []
    queries = []
    for query in request["queries"]:
        if "dense" in query:
            queries.append(VectorQuery(query["list_name"], np.asarray(query["dense"], dtype=np.float32)))
        else:
            queries.append(
                VectorQuery(query["list_name"], SparseVector(tuple(query["indices"]), tuple(query["values"])))
            )
    given = request["where"]
    where = SceneFilter(**{**given, "video_ids": tuple(given["video_ids"])})
    return [[asdict(hit) for hit in hits] for hits in index.search(queries, where, request["limit"])]
