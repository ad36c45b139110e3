"""Actors that die: real stages that take their process down, once or every time, as `kill -9` would."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.index_videos import IndexPools, index_pools
from pipelines.stage import Pool, Stage


class Fatal:
    """Wraps an actor; on a row whose source URI ends with `victim` it kills its process before the actor's work.

    With a `marker` it does so only while that file does not exist, and makes it: so it dies once.
    """

    def __init__(self, stage: Stage, victim: str, marker: Path | None) -> None:
        self._stage = stage
        self._actor = stage.actor(**stage.arguments)
        self._victim = victim
        self._marker = marker

    def __call__(self, spans: pa.Table) -> pa.Table:
        uri = spans.column("source_uri")[0].as_py()
        if uri.endswith(self._victim) and not (self._marker and self._marker.exists()):
            if self._marker:
                self._marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self._actor(spans)


def fatal(stage: Stage, victim: str, marker: Path | None = None) -> Stage:
    """The stage with an actor that dies on one file."""
    declared = {name: getattr(stage.actor, name) for name in ("ADDS", "RETURNS") if hasattr(stage.actor, name)}
    actor = type(stage.name, (Fatal,), declared)  # the same name, since reports call stages by it
    return replace(stage, actor=actor, arguments={"stage": stage, "victim": victim, "marker": marker})


def with_fatal(victims: dict[str, tuple[str, Path | None]]) -> Any:
    """A maker of the usual pools in which the stages named here die on the file named with them."""

    def pools_of(*arguments: Any) -> IndexPools:
        usual = index_pools(*arguments)
        return IndexPools(_pool(usual.plan), tuple(_pool(pool) for pool in usual.work))

    def _pool(pool: Pool) -> Pool:
        stages = tuple(fatal(stage, *victims[stage.name]) if stage.name in victims else stage for stage in pool.stages)
        return replace(pool, stages=stages)

    return pools_of
