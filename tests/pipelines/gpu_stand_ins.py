"""Pools whose actors note which card Ray gave them; with light actors in place of models where only that counts."""

import json
import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.index_videos import IndexPools, index_pools
from pipelines.stage import Pool, Stage

SILENCE = {"text": "", "language": "", "segments": []}


class StandIn:
    """Adds a stage's columns with as little as a scene may have."""

    def __init__(self, adds: pa.Schema) -> None:
        self._adds = adds

    def __call__(self, spans: pa.Table) -> pa.Table:
        counts = [len(scenes or []) for scenes in spans.column("scene_ids").to_pylist()]
        for field in self._adds:
            item = {"transcripts": SILENCE, "vision_tags": []}.get(field.name)
            spans = spans.append_column(field, pa.array([[item] * count for count in counts], field.type))
        return spans


class Placed:
    """Wraps an actor and writes down where Ray put it."""

    def __init__(self, stage: Stage, notes: Path, stand_in: bool) -> None:
        import ray

        place = {
            "stage": stage.name,
            "node": ray.get_runtime_context().get_node_id(),
            "cards": ray.get_gpu_ids(),
            "visible": os.environ.get("CUDA_VISIBLE_DEVICES"),
        }
        (notes / uuid.uuid4().hex).write_text(json.dumps(place))
        self._actor = StandIn(stage.actor.ADDS) if stand_in else stage.actor(**stage.arguments)

    def __call__(self, spans: pa.Table) -> pa.Table:
        return self._actor(spans)


def noting(notes: Path, *, stand_ins: bool) -> Any:
    """A maker of the usual pools whose model stages note their place in this folder."""

    def pools_of(*arguments: Any) -> IndexPools:
        usual = index_pools(*arguments)
        return IndexPools(usual.plan, tuple(placed(pool) if pool.num_gpus else pool for pool in usual.work))

    def placed(pool: Pool) -> Pool:
        return replace(pool, stages=tuple(wrapped(stage) for stage in pool.stages))

    def wrapped(stage: Stage) -> Stage:
        actor = type(stage.name, (Placed,), {"ADDS": stage.actor.ADDS})
        return replace(stage, actor=actor, arguments={"stage": stage, "notes": notes, "stand_in": stand_ins})

    return pools_of


def places(notes: Path) -> list[dict[str, Any]]:
    """What was noted, in order of node, card and stage."""
    found = [json.loads(file.read_text()) for file in notes.iterdir()]
    return sorted(found, key=lambda place: (place["node"], place["cards"], place["stage"]))
