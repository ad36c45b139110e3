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
from footage.index_records import IndexHit, IndexSpec, SceneFilter, VectorQuery, VideoHit
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

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos."""
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
            self._ask({"ask": "nothing"})
        except OSError as error:
            raise IndexBusy("The owner of the index does not answer searches.") from error

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        """See VectorIndex.search.

        Raises:
            IndexBusy: the owner ended meanwhile, or is too busy to answer.
            IndexFailed: the owner could not do the search; the message has its error.
        """
        asked = [{"list_name": query.list_name, **_vector_json(query.vector)} for query in queries]
        lists = self._answer_to({"ask": "scenes", "queries": asked, "where": asdict(where), "limit": limit})
        return [[IndexHit(**hit) for hit in hits] for hits in lists]

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        """See VectorIndex.search_videos; raises what search() raises."""
        scope = {"workspace": workspace, "video_ids": list(video_ids), "limit": limit}
        return [VideoHit(**hit) for hit in self._answer_to({"ask": "videos", "dense": vector.tolist(), **scope})]

    def close(self) -> None:
        """Nothing to give back."""

    def _answer_to(self, request: dict[str, Any]) -> Any:
        """What the owner answers to a search; an owner that does not is busy."""
        try:
            return self._ask(request)
        except TimeoutError as error:
            raise IndexBusy(
                f"The owner of the index did not answer within {self._answer_within_s:g} s: it is busy. Try again."
            ) from error
        except OSError as error:
            raise IndexBusy("The owner of the index stopped while it was asked; try again.") from error

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


def _answer(index: Searches, request: dict[str, Any]) -> list[Any]:
    """What a request asks for: lists of scenes, or videos, or nothing but whether anybody is there."""
    match request["ask"]:
        case "scenes":
            queries = [_query(query) for query in request["queries"]]
            where = SceneFilter(**{**request["where"], **_tuples(request["where"], "video_ids", "tags")})
            return [[asdict(hit) for hit in hits] for hits in index.search(queries, where, request["limit"])]
        case "videos":
            dense = np.asarray(request["dense"], dtype=np.float32)
            video_ids = tuple(request["video_ids"])
            found = index.search_videos(dense, request["workspace"], video_ids, request["limit"])
            return [asdict(hit) for hit in found]
        case _:
            return []


def _query(query: dict[str, Any]) -> VectorQuery:
    if "dense" in query:
        return VectorQuery(query["list_name"], np.asarray(query["dense"], dtype=np.float32))
    return VectorQuery(query["list_name"], SparseVector(tuple(query["indices"]), tuple(query["values"])))


def _tuples(given: dict[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    """These fields as they were before JSON made lists of them."""
    return {name: tuple(given[name]) for name in names}
