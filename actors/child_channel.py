"""A decoder child as its actor sees it: one process, one question and one answer at a time, each with a deadline."""

import collections
import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import IO, Any

from actors.decoder_protocol import Answer
from footage.child_process import python_path
from footage.decoder_settings import DecoderSettings

# The child handles hostile files: it gets no credentials from the environment.
PASSED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
READ_BYTES = 1 << 20
KEPT_LINES = 5  # of what the child says on stderr, for the message about its death
GRACE_S = 5.0  # a process that crashes closes its pipes a moment before it can be waited for
START_LIMIT_S = 300.0  # imports from a cold, busy disk


class ChildDied(Exception):
    """The child ended without an answer, or answered nonsense."""

    def __init__(self, exit_code: int, last_words: str) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code
        self.last_words = last_words


class ChildChannel:
    """Starts a child at once, so that its imports overlap with other work; `stop` ends it.

    The child is in a session of its own (Ctrl-C in a terminal is the parent's business) and never outlives the thread
    that started it.
    """

    def __init__(self, settings: DecoderSettings) -> None:
        environment = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
        environment |= {"PYTHONPATH": python_path(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "actors.decoder_child", settings.model_dump_json(), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )
        self._last_words: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        self._max_answer_bytes = settings.limits.address_space_mib << 20  # it cannot hold more
        self._is_ready = False
        self._asked = 0
        self.pid = self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Waits for the child's imports to end.

        Raises:
            TimeoutError: they did not within START_LIMIT_S.
            ChildDied: it has ended.
        """
        if not self._is_ready:
            self._receive(time.monotonic() + START_LIMIT_S)
            self._is_ready = True

    def ask(self, request: dict[str, Any], limit_s: float) -> tuple[dict[str, Any], list[bytes]]:
        """Sends a request and gives the answer: its JSON and its blobs. After any exception the child has ended.

        Raises:
            TimeoutError: there was no answer within so many seconds of wall time.
            ChildDied: there will be none.
        """
        deadline = time.monotonic() + limit_s
        self._asked += 1
        try:
            _pipe(self._process.stdin).write(json.dumps({**request, "number": self._asked}).encode("ascii") + b"\n")
        except BrokenPipeError as error:
            raise ChildDied(self.stop(GRACE_S), "; ".join(self._last_words)) from error
        header, blobs = self._receive(deadline)
        if header.pop("number", None) != self._asked:
            # Taken for this one's, it would put the scenes of one video under the name of another.
            raise ChildDied(self.stop(0), "it gave the answer to another request")
        return header, blobs

    def stop(self, grace_s: float) -> int:
        """Ends the child, by force after `grace_s`, and gives its exit code (negative: a signal); again is fine."""
        _pipe(self._process.stdin).close()  # an idle child ends at this
        try:
            exit_code = self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            exit_code = self._process.wait()
        stderr = _pipe(self._process.stderr)
        if not stderr.closed:
            while select.select([stderr], [], [], 0)[0] and self._hear(stderr):
                pass
        stderr.close()
        _pipe(self._process.stdout).close()
        return exit_code

    def _receive(self, deadline: float) -> tuple[dict[str, Any], list[bytes]]:
        """The next message of the child; after any exception it has ended."""
        answer = Answer(self._max_answer_bytes)
        with contextlib.ExitStack() as undo:
            # Whatever ends the wait (a time-out, Ctrl-C): the answer to come would be taken for the next request's.
            undo.callback(self.stop, 0)
            try:
                while not answer.is_complete:
                    self._read_some(answer, deadline)
            except EOFError as error:
                raise ChildDied(self.stop(GRACE_S), "; ".join(self._last_words)) from error
            except ValueError as error:
                raise ChildDied(self.stop(0), str(error)) from error
            undo.pop_all()
        return answer.parts()

    def _read_some(self, answer: Answer, deadline: float) -> None:
        """Waits for the child to write and takes it; raises TimeoutError, or EOFError when the child has closed."""
        stdout, stderr = _pipe(self._process.stdout), _pipe(self._process.stderr)
        ready, _, _ = select.select([stdout, stderr], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        if stderr in ready:
            self._hear(stderr)
        if stdout in ready:
            data = os.read(stdout.fileno(), READ_BYTES)
            if not data:
                raise EOFError
            answer.add(data)

    def _hear(self, stderr: IO[bytes]) -> bool:
        """Keeps the last lines of what the child says on stderr; False at its end."""
        data = os.read(stderr.fileno(), READ_BYTES)
        self._last_words.extend(line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip())
        return bool(data)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("every stream of the child is a pipe")
    return stream
