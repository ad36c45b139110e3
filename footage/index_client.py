"""Calls of an index that another process owns."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any, NoReturn

from footage import errors
from footage.errors import FootageError, IndexBusy, IndexFailed
from footage.folder_exchange import folder_exists
from footage.index_records import IndexSpec
from footage.index_service import FAILED, REFUSED, address_file
from footage.index_spec import check_spec
from footage.index_wire import from_line, to_line


class IndexClient:
    """Calls of an owner, whoever it is at the moment. Any number of threads may call; connections are kept."""

    def __init__(self, path: Path, spec: IndexSpec, answer_within_s: float) -> None:
        """Connect to nobody yet.

        Args:
            path: of the index.
            spec: what its vectors are to be of.
            answer_within_s: how long one answer may take.
        """
        self._path, self._spec = path, spec
        self._answer_within_s = answer_within_s
        self._idle: list[_Connection] = []
        self._closed = False
        self._lock = threading.Lock()

    @property
    def connected(self) -> bool:
        """Whether there was an owner a moment ago."""
        return bool(self._idle)

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """What a method of the owner's index gives.

        Raises:
            OSError: nobody answers: there is no owner, or it ended. Whether the call was done is not known.
            IndexBusy: the owner did not answer in time.
            IndexMismatch: the index holds vectors of other models.
            IndexFailed: what was asked raised an error that footage does not raise on purpose.
            FootageError: what was asked raises it.
        """
        line = to_line([method, arguments])
        with contextlib.ExitStack() as undo:
            connection = self._taken() or _Connection(self._path, self._spec, self._answer_within_s)
            undo.callback(connection.close)
            try:
                answer = connection.ask(line)
            except TimeoutError as error:
                raise IndexBusy(
                    f"The owner of the index did not answer within {self._answer_within_s:g} s: it is busy. Try again."
                ) from error
            except OSError:
                self._close_idle()  # they lead to an owner that is gone too
                raise
            if answer[0] == FAILED:  # and the owner closes the connection
                raise IndexFailed(f"The owner of the index could not do what it was asked ({method}): {answer[1]}.")
            if self._kept(connection):
                undo.pop_all()
        if answer[0] == REFUSED:
            _refuse(*answer[1:])
        return answer[1]

    def close(self) -> None:
        """Keep no connections any more; those of calls that are under way are closed when these are done."""
        with self._lock:
            self._closed = True
        self._close_idle()

    def _taken(self) -> "_Connection | None":
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _kept(self, connection: "_Connection") -> bool:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
            return not self._closed

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


class _Connection:
    """One at a time may ask."""

    def __init__(self, path: Path, spec: IndexSpec, answer_within_s: float) -> None:
        if not folder_exists(path):
            raise FileNotFoundError(f"{path}: its owner is still making it")
        check_spec(path, spec)
        address = address_file(path).read_text()
        self._socket = socket.socket(socket.AF_UNIX)
        with contextlib.ExitStack() as undo:
            undo.callback(self._socket.close)
            self._socket.settimeout(answer_within_s)
            self._socket.connect(address)
            self._answers = self._socket.makefile("rb")
            undo.pop_all()

    def ask(self, line: bytes) -> list[Any]:
        """The answer to a line; raises OSError, of which TimeoutError, if there is none."""
        self._socket.sendall(line)
        answer = self._answers.readline()
        if not answer.endswith(b"\n"):
            raise ConnectionError("the owner of the index closed the connection")
        answered: list[Any] = from_line(answer)
        return answered

    def close(self) -> None:
        """Give it back."""
        self._answers.close()
        self._socket.close()


def _refuse(name: str, message: str) -> NoReturn:
    kind = getattr(errors, name, IndexFailed)
    raise (kind if isinstance(kind, type) and issubclass(kind, FootageError) else IndexFailed)(message)
