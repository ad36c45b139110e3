"""The process of a run that has the embedded index open, or asks who has it, and a VectorIndex that asks it."""

from pathlib import Path
from typing import Any

from footage.errors import StoreError
from footage.index_calls import IndexCalls
from footage.index_records import IndexSpec
from footage.shared_index import SharedIndex

_ANSWER_WITHIN_S = 300.0  # a span's points take well under a second, publishing a long video a few
_TRIES = 3


class IndexOwner:
    """Kept by one Ray actor. Killed, it is started again and loads the index, whose log has all that it confirmed."""

    def __init__(self, path: Path, spec: IndexSpec, owner: str) -> None:
        # Whoever else needs the index asks this process, or this one asks the service that owns it already.
        self._index = SharedIndex(path, spec, owner)

    def call(self, method: str, *arguments: Any) -> Any:
        """See IndexCalls.call."""
        return self._index.call(method, *arguments)

    def close(self) -> None:
        """Flush, close and give the lock back."""
        self._index.close()


class RemoteIndex(IndexCalls):
    """A VectorIndex whose calls go to the IndexOwner actor; it can be sent to any worker."""

    def __init__(self, path: Path, spec: IndexSpec, owner: str) -> None:
        import ray  # after ray_session() has set the environment that Ray reads when it is imported
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Upserts repeat safely (ids name what they stand for), so a call that a kill cut off is made again.
        remote = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=5)(IndexOwner).options(
            # The index is a folder of this machine.
            scheduling_strategy=NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        )
        self._actor = remote.remote(path, spec, owner)

    def call(self, method: str, *arguments: Any) -> Any:
        """See IndexCalls.call."""
        return self._ask("call", method, *arguments)

    def close(self) -> None:
        """See VectorIndex.close."""
        self._ask("close")

    def _ask(self, method: str, *arguments: Any) -> Any:
        import ray
        from ray.exceptions import GetTimeoutError

        for _ in range(_TRIES):
            try:
                return ray.get(getattr(self._actor, method).remote(*arguments), timeout=_ANSWER_WITHIN_S)
            except GetTimeoutError:
                ray.kill(self._actor, no_restart=False)  # it hangs; the next call waits for its successor
        raise StoreError(f"The owner of the index did not answer within {_ANSWER_WITHIN_S:.0f} s, {_TRIES} times.")
