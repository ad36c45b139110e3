"""The same stages without Ray: a ProcessPoolExecutor whose processes hold a decoder and all models."""

import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import pyarrow as pa

from actors.model_preparation import PreparedModels
from actors.scene_writer import SceneWriter
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index import VectorIndex
from footage.settings import Settings
from pipelines.index_videos import index_pools
from pipelines.reconcile import Run
from pipelines.stage import Stage

_stages: list[tuple[Stage, object]] = []  # of this process: what ProcessPoolExecutor's initializer made


@dataclass(frozen=True)
class Work:
    """What every process needs to know."""

    settings: Settings
    models: PreparedModels
    store: Path
    fingerprint: str


def _load(work: Work) -> None:
    catalog = Catalog(DirectoryStore(work.store), "default")
    run = Run("benchmark", "default", None, work.fingerprint)
    # The writer, whose index has one owner, is the parent's.
    pools = index_pools(work.settings, work.models, catalog, cast(VectorIndex, None), run)
    stages = [stage for pool in (pools.plan, *pools.work[:-1]) for stage in pool.stages]
    _stages.extend((stage, stage.actor(**stage.arguments)) for stage in stages)


def _ready() -> float:
    time.sleep(0.2)  # so that each process answers once
    return time.time()


def _index(source: pa.Table) -> pa.Table:
    for stage, actor in _stages:
        source = stage.run(actor, source)
    return source


def run_in_process_pool(work: Work, sources: list[pa.Table], processes: int = 2) -> tuple[float, float]:
    """Index sources (tables of schema SOURCE) with a pool of processes; the parent writes: an index has one owner.

    Returns:
        Seconds from the first process's readiness (its decoder and all its models are loaded) to the end, and
        seconds from the start of the pool to the end.
    """
    begun = time.time()
    catalog = Catalog(DirectoryStore(work.store), "default")
    spec = work.models.index_spec()
    with (
        EmbeddedIndex(work.store / "index" / "scenes", spec, owner="benchmark") as index,
        ProcessPoolExecutor(processes, get_context("spawn"), _load, (work,)) as pool,
    ):
        writer = SceneWriter(catalog, index, work.fingerprint, work.models.named())
        ready = min(f.result() for f in [pool.submit(_ready) for _ in range(processes)])
        for done in as_completed([pool.submit(_index, source) for source in sources]):
            writer(done.result())
        ended = time.time()
    return ended - ready, ended - begun
