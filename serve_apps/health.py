"""Whether searches can be answered: what load balancers and people ask."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from actors.encoder import Encoder
from footage.errors import FootageError
from footage.index import VectorIndex
from footage.index_records import SceneFilter
from footage.storage import ObjectStore
from footage.store_identity import known_store_id
from footage.version import VERSION
from serve_apps.api_types import Health
from serve_apps.service_log import log

_OK = "ok"
_WITHIN_S = 3.0  # a load balancer gives up after 5 as a rule, and then nobody is told which part is silent


class HealthCheck:
    """Tries each part once. What is wrong stands in the logs; the answer is for everybody, so it says what only."""

    def __init__(self, index: VectorIndex, encoder: Encoder, store: ObjectStore, within_s: float = _WITHIN_S) -> None:
        """Take the parts; one that does not answer within `within_s` seconds is not well."""
        self._parts: dict[str, tuple[str, Callable[[], object]]] = {
            "index": ("The index", lambda: index.count(SceneFilter("health"))),
            "encoders": ("An encoder of queries", lambda: encoder.encode("health")),
            "store": ("The object store", lambda: known_store_id(store)),
        }
        self._within_s = within_s
        self._threads = ThreadPoolExecutor(len(self._parts), thread_name_prefix="health")
        self._lock = threading.Lock()
        self._tries: dict[str, Future[str]] = {}

    def __call__(self) -> Health:
        """The state of the parts, which are tried at the same time."""
        tries = {part: self._try(part) for part in self._parts}
        wait(tries.values(), self._within_s)
        states = {part: one.result() if one.done() else self._silent(part) for part, one in tries.items()}
        state = "ok" if set(states.values()) == {_OK} else "degraded"
        return Health.model_validate({**states, "state": state, "version": VERSION})

    def _try(self, part: str) -> Future[str]:
        """A try of a part: the one under way if there is one, so that a part that hangs takes one thread only."""
        with self._lock:
            held = self._tries.get(part)
            if held is None or held.done():
                held = self._tries[part] = self._threads.submit(_tried, *self._parts[part])
            return held

    def _silent(self, part: str) -> str:
        name, _ = self._parts[part]
        log.error("%s does not answer within %g s.", name, self._within_s)
        return _ill(name)


def _tried(name: str, ask: Callable[[], object]) -> str:
    try:
        ask()
    except FootageError as error:
        log.error("%s does not answer: %s: %s", name, type(error).__name__, error)
        return _ill(name)
    except Exception:  # noqa: BLE001 - of Ray, of a model's runtime: whatever it is, searches fail of it too
        log.exception("%s does not answer.", name)
        return _ill(name)
    return _OK


def _ill(name: str) -> str:
    return f"{name} does not answer."
