"""Whether searches can be answered: what load balancers and people ask."""

from collections.abc import Callable
from dataclasses import dataclass

from actors.encoder import TextEncoder
from footage.errors import FootageError
from footage.index import VectorIndex
from footage.index_records import SceneFilter
from footage.storage import ObjectStore
from footage.store_identity import known_store_id
from footage.version import VERSION
from serve_apps.api_types import Health

_OK = "ok"


@dataclass(frozen=True)
class HealthCheck:
    """Tries each part once. What is wrong stands in the logs; the answer is for everybody, so it says what only."""

    index: VectorIndex
    encoder: TextEncoder
    store: ObjectStore

    def __call__(self) -> Health:
        """The state of the parts."""
        index = _tried("The index", lambda: self.index.count(SceneFilter("health")))
        encoders = _tried("An encoder of queries", lambda: self.encoder.encode("health"))
        store = _tried("The object store", lambda: known_store_id(self.store))
        state = "ok" if index == encoders == store == _OK else "degraded"
        return Health.model_validate(
            {"state": state, "index": index, "encoders": encoders, "store": store, "version": VERSION}
        )


def _tried(part: str, ask: Callable[[], object]) -> str:
    try:
        ask()
    except FootageError:
        return f"{part} does not answer."
    return _OK
