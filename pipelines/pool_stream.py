"""Puts a pool into a stream: how footage runs its actors on Ray Data, the same in every pipeline."""

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from footage.pipeline_settings import PipelineSettings
from pipelines.ledger import LedgerClient
from pipelines.pool_worker import PoolWorker
from pipelines.stage import Pool

if TYPE_CHECKING:
    from ray.data import DataContext, Dataset

# A pool grows when each of its actors has a span in hand. They have no second one (see below), so that more than this
# is never reached: Ray Data's own threshold of 1.75 would keep every pool at its first size.
_GROWS_AT = 1.0


def configure_streams(context: "DataContext", settings: PipelineSettings) -> None:
    """What is the same for all streams of a run: how pools grow, and the limits of the run on a cluster."""
    from ray.data import ExecutionResources

    context.autoscaling_config.actor_pool_util_upscaling_threshold = _GROWS_AT
    options = context.execution_options
    options.resource_limits = ExecutionResources.for_limits(
        cpu=math.inf if settings.max_cpus is None else settings.max_cpus,
        gpu=math.inf if settings.max_gpus is None else settings.max_gpus,
    )
    options.label_selector = dict(settings.node_labels) or None


def through(dataset: "Dataset", schema: pa.Schema, pool: Pool, ledger: LedgerClient, retries: int) -> "Dataset":
    """The dataset after one pool.

    Args:
        dataset: rows of `schema`, one row for each block.
        schema: of what goes in.
        pool: whose actors do the work.
        ledger: is told which row each actor has in hand.
        retries: how often a row is tried again after its worker died.
    """
    from ray.data import ActorPoolStrategy

    # Named for its pool, so that process lists, the dashboard and the memory report say which is which.
    worker = type(pool.name, (PoolWorker,), {})
    pool.outgoing(schema)  # a pipeline that does not fit together fails here, before anything starts
    return dataset.map_batches(
        worker,
        fn_constructor_kwargs={"pool": pool, "ledger": ledger},
        # A block as it is: one span. With GPUs Ray wants a number, and a span is one row there too.
        batch_size=1 if pool.num_gpus else None,
        batch_format="pyarrow",
        # One task in flight: what waits behind a span that kills its worker would be charged for the death too.
        compute=ActorPoolStrategy(
            min_size=pool.size,
            max_size=pool.ceiling,
            initial_size=pool.size,
            max_tasks_in_flight_per_actor=1,
        ),
        num_cpus=pool.num_cpus,
        num_gpus=pool.num_gpus or None,
        memory=pool.memory_mib * 2**20 or None,
        **_environment(pool),
        # Ray Data warns that options without a name of their own end with Ray 2.64; 2.60 has no other way for this one.
        # Actors are started again without end by default.
        max_task_retries=retries,
    )


def _environment(pool: Pool) -> dict[str, Any]:
    """For packages of its own an actor gets an environment that inherits what is not named from ours."""
    return {"runtime_env": {"pip": {"packages": list(pool.packages), "pip_check": False}}} if pool.packages else {}
