"""What is to go wrong, and what was asked: set by a test, read by the server's interceptor."""

import threading
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call: nothing, unless something is set."""

    status: str = ""  # a name of grpc.StatusCode, such as UNAVAILABLE or RESOURCE_EXHAUSTED
    message: str = "the server was told to fail"
    retry_after_s: int | None = None  # sent as the hint `retry-after`
    delay_s: float = 0  # how much later than it could the server answers
    drop: bool = False  # the connection is cut, and with it other calls of the same client
    applied: bool = False  # the call does its work first, and then goes wrong


class Faults:
    """Methods are named as in `Points/Upsert` or `Collections/Get`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()  # by method; failed ones too, but not those without the key
        self._next: dict[str, deque[Fault]] = {}
        self._lock = threading.Lock()
        self._let_go = threading.Event()

    def add(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls of a method, or of any for `*`, go wrong; those of a method's own come first."""
        with self._lock:
            self._next.setdefault(method, deque()).extend([fault] * times)

    def clear(self) -> None:
        """Forget all: what is still to go wrong, and the counts."""
        with self._lock:
            self._next.clear()
            self.calls.clear()
            self._let_go.clear()

    def pending(self) -> int:
        """How many faults have not happened yet."""
        with self._lock:
            return sum(map(len, self._next.values()))

    def take(self, method: str) -> Fault:
        """Count a call, and say what goes wrong with it."""
        with self._lock:
            self.calls[method] += 1
            for name in (method, "*"):
                if self._next.get(name):
                    return self._next[name].popleft()
            return Fault()

    def wait(self, delay_s: float) -> None:
        """Let so much time pass, unless it is cut short."""
        if delay_s:
            self._let_go.wait(delay_s)

    def let_go(self) -> None:
        """Nobody waits any more, until clear()."""
        self._let_go.set()
