"""The indexing pipeline: sources stream through planning, decoding, the models and the writer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from actors.decoder_limits import decode_limit, plan_limit
from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from actors.scene_writer import SceneWriter
from actors.span_planner import SOURCE, SpanPlanner
from actors.text_embedder import TextEmbedder
from actors.transcriber import Transcriber
from actors.video_decoder import VideoDecoder
from footage.catalog import Catalog
from footage.index import VectorIndex
from footage.records import Source
from footage.settings import Settings
from footage.sources import local_path
from footage.span_table import table_of
from pipelines.ledger import LedgerClient
from pipelines.pool_worker import PoolWorker
from pipelines.reconcile import Run
from pipelines.stage import Pool, Stage, TimeLimit

if TYPE_CHECKING:
    from ray.data import Dataset


@dataclass(frozen=True)
class IndexPools:
    """The pools of an index run, in order. Planning stands apart, since its rows are then dealt out one by one."""

    plan: Pool
    work: tuple[Pool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all pools, in order."""
        return (self.plan.name, *(pool.name for pool in self.work))

    def longest_task_s(self, media_s: float) -> float:
        """How long a span of this length may be in one stage, with every try, before its watchdogs give it up."""
        return max(stage.limit.seconds(media_s) for pool in (self.plan, *self.work) for stage in pool.stages)


def index_pools(
    settings: Settings, models: PreparedModels, catalog: Catalog, index: VectorIndex, run: Run
) -> IndexPools:
    """Which actors run, in which order, with which resources."""
    sizes, decoder = settings.pipeline, settings.decoder
    limit = TimeLimit(sizes.watchdog_base_s, sizes.watchdog_per_media_s)
    planner = Stage(
        SpanPlanner,
        {"settings": decoder, "catalog": catalog, "fingerprint": run.fingerprint},
        limit=TimeLimit(*plan_limit(decoder)),
    )
    decode = Stage(VideoDecoder, {"settings": decoder}, limit=TimeLimit(*decode_limit(decoder)))
    transcribe = Stage(Transcriber, {"settings": settings.speech}, drops=("audio_s16", "audio_start_s"), limit=limit)
    embed_frames = Stage(
        FrameEmbedder,
        {"settings": settings.frames, "folder": models.vision_folder},
        drops=("key_frames",),
        limit=limit,
    )
    embed_text = Stage(TextEmbedder, {"settings": settings.text, "folder": models.text_folder}, limit=limit)
    write = Stage(
        SceneWriter,
        {"catalog": catalog, "index": index, "fingerprint": run.fingerprint, "models": models.named()},
        limit=limit,
    )

    model_pool = partial(
        Pool, size=sizes.model_actors, num_cpus=sizes.model_num_cpus, start_limit_s=sizes.watchdog_start_s
    )
    if sizes.fuse:
        # One torch process instead of three: half the memory, a third less start-up.
        model_pools: tuple[Pool, ...] = (model_pool((transcribe, embed_frames, embed_text)),)
    else:
        model_pools = (
            model_pool((transcribe,), num_gpus=sizes.speech_num_gpus),
            model_pool((embed_frames,), num_gpus=sizes.frames_num_gpus),
            model_pool((embed_text,), num_gpus=sizes.text_num_gpus),
        )
    return IndexPools(
        plan=Pool((planner,), size=1, num_cpus=0.1),  # reads and hashes: one keeps a disk busy
        work=(
            Pool((decode,), size=sizes.decoders, num_cpus=sizes.decoder_num_cpus),
            *model_pools,
            Pool((write,), size=1, num_cpus=0.1),  # small writes; the index takes them one at a time anyway
        ),
    )


def stream_outcomes(
    sources: Sequence[Source], run: Run, pools: IndexPools, ledger: LedgerClient, retries: int
) -> Iterator[dict[str, Any]]:
    """Run the pipeline over sources and give the writer's rows (SceneWriter.RETURNS) as they come."""
    import ray.data  # after ray_session() has set the environment that Ray reads when it is imported

    tables = [source_table(source, run) for source in sources]
    spans = _through(ray.data.from_arrow(tables), SOURCE, pools.plan, ledger, retries)
    # One block per span, so that spans of one video spread over the decoders and a lost block is one span.
    outcomes = spans.repartition(target_num_rows_per_block=1)
    schema = pools.plan.outgoing(SOURCE)
    for pool in pools.work:
        outcomes = _through(outcomes, schema, pool, ledger, retries)
        schema = pool.outgoing(schema)
    for batch in outcomes.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
        yield from batch.to_pylist()


def source_table(source: Source, run: Run) -> pa.Table:
    """One source as a table of one row (schema SOURCE)."""
    row = {
        "run_id": run.run_id,
        "workspace": run.workspace,
        "dataset": run.dataset_of(source.uri),
        "source_uri": source.uri,
        "source_etag": source.etag,
        "source_size_bytes": source.size_bytes,
        "path": bytes(local_path(source.uri)),
    }
    return table_of([row], SOURCE)


def _through(dataset: "Dataset", schema: pa.Schema, pool: Pool, ledger: LedgerClient, retries: int) -> "Dataset":
    """The dataset after one pool."""
    from ray.data import ActorPoolStrategy

    # Named for its pool, so that process lists, the dashboard and the memory report say which is which.
    worker = type(pool.name, (PoolWorker,), {})
    pool.outgoing(schema)  # a pipeline that does not fit together fails here, before anything starts
    return dataset.map_batches(
        worker,
        fn_constructor_kwargs={"pool": pool, "ledger": ledger},
        batch_size=None,  # a block as it is: one span
        batch_format="pyarrow",
        # One task in flight: what waits behind a span that kills its worker would be charged for the death too.
        compute=ActorPoolStrategy(size=pool.size, max_tasks_in_flight_per_actor=1),
        num_cpus=pool.num_cpus,
        num_gpus=pool.num_gpus or None,
        max_restarts=-1,
        max_task_retries=retries,
    )
