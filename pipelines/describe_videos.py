"""The second pass: videos that were just finished stream through reading, the language model and the writer."""

import contextlib
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from actors.chat_server import patience_s
from actors.description_embedder import DescriptionEmbedder
from actors.description_writer import DescriptionWriter
from actors.model_preparation import PreparedModels
from actors.summarizer import Summarizer, writer_settings
from actors.video_reader import VideoReader
from footage.catalog import Catalog
from footage.description_fingerprint import description_fingerprint
from footage.errors import SettingsError
from footage.index import VectorIndex
from footage.settings import Settings
from footage.sidecar import StoredDescription, StoredEmbedding
from footage.span_table import table_of
from footage.video_table import VIDEO
from pipelines.admission import admitted, started
from pipelines.cluster_room import ClusterRoom, room_of_ray
from pipelines.described import Described, DescriptionProgress
from pipelines.description_scope import videos_to_describe
from pipelines.heartbeat import Heartbeat
from pipelines.ledger import LedgerClient
from pipelines.pool_stream import through
from pipelines.progress import ProgressLine
from pipelines.reconcile import Run
from pipelines.sizing import fitted, model_actors
from pipelines.stage import Pool, Stage, TimeLimit

PoolsOf = Callable[[Settings, PreparedModels, Catalog, VectorIndex, Run, ClusterRoom], tuple[Pool, ...]]


def describe_pools(
    settings: Settings,
    models: PreparedModels,
    catalog: Catalog,
    index: VectorIndex,
    run: Run,
    room: ClusterRoom | None = None,
) -> tuple[Pool, ...]:
    """Which actors run, in which order, with which resources; the arguments are those of index_pools().

    Raises:
        SettingsError: the stages' shares do not fit on the cards or CPUs of the room.
    """
    room = room or ClusterRoom.of_machine()
    sizes, summaries = settings.pipeline, settings.summaries
    limit = TimeLimit(sizes.watchdog_base_s, sizes.watchdog_per_media_s)
    read = Stage(VideoReader, {"catalog": catalog, "settings": summaries, "fingerprint": run.fingerprint}, limit=limit)
    summarize = Stage(
        Summarizer,
        {"summaries": summaries, "captions": settings.captions, "folder": models.caption_folder},
        limit=TimeLimit(limit.base_s + _server_patience_s(settings), limit.per_media_s),
    )
    embed = Stage(DescriptionEmbedder, {"settings": settings.text, "folder": models.text_folder}, limit=limit)
    write = Stage(
        DescriptionWriter,
        {
            "catalog": catalog,
            "index": index,
            "pipeline_fingerprint": run.fingerprint,
            "stored": _stored(settings, models, run),
        },
        limit=limit,
    )
    small = partial(Pool, size=1, num_cpus=0.1)  # small reads and writes, where the models have processes of their own
    by_server = writer_settings(summaries, settings.captions).adapter == "http"
    shares = {Summarizer: 0.0 if by_server else sizes.summaries_num_gpus, DescriptionEmbedder: sizes.text_num_gpus}
    # One process instead of four: one torch, as in the indexing pass, and reads and writes are short beside a summary.
    groups = [(read, summarize, embed, write)] if sizes.fuse else [(summarize,), (embed,)]
    of_pools = [{stage.name: share for stage in group if (share := shares.get(stage.actor))} for group in groups]
    computes = [not (by_server and summarize in group) for group in groups]
    with_models = [
        Pool(
            group,
            size=actors.size,  # on every card at once, as in the indexing pass
            most=actors.most,
            num_cpus=actors.num_cpus,
            num_gpus=sum(of_pool.values()),
            memory_mib=sizes.model_memory_mib,
            start_limit_s=sizes.watchdog_start_s,
        )
        for group, of_pool, actors in zip(groups, of_pools, model_actors(of_pools, computes, sizes, room), strict=True)
    ]
    return fitted(with_models if sizes.fuse else (small((read,)), *with_models, small((write,))), room)


def describe_videos(
    settings: Settings,
    models: PreparedModels,
    catalog: Catalog,
    index: VectorIndex,
    run: Run,
    ledger: LedgerClient,
    line: ProgressLine,
    pools_of: PoolsOf = describe_pools,
    *,
    own_machine: bool = True,
) -> Described:
    """Describe every video of the workspace that this run's pipeline has indexed and that lacks its description.

    To be called within ray_session(), after the indexing stream has ended and orphans are removed, with the index
    still open. It can be called again, and after a run that was killed: what is described already is skipped. What
    goes wrong here loses descriptions, never the indexing run: it is told in `reason`.

    Args:
        settings: of the run.
        models: of the run.
        catalog: of the workspace.
        index: where vectors go.
        run: whose pipeline's videos are described.
        ledger: of the run, or another one; the stages of this pass have names of their own in it.
        line: shows the progress.
        pools_of: makes the pools.
        own_machine: Ray is one of our own on this machine, and no cluster.

    Raises:
        SettingsError: descriptions are asked for in a way that cannot work; ask descriptions_off() at the start.
    """
    scope = videos_to_describe(settings, models, catalog, run)
    described = Described.before(scope)
    if scope.to_describe:
        line.say(f"Describing {len(scope.to_describe)} videos ...")
        sizes = settings.pipeline

        def tell(waiting: str) -> None:
            line.show(DescriptionProgress(len(scope.to_describe), described=described, doing=waiting))

        try:
            room = room_of_ray(sizes, own_machine=own_machine).for_spans(len(scope.to_describe), sizes.spans_per_card)
            planned = pools_of(settings, models, catalog, index, run, room.grown())
            has_started = started(ledger, [pool.name for pool in planned])
            with admitted(planned, room, sizes, tell, has_started) as free:
                pools = pools_of(settings, models, catalog, index, run, free)
                _stream(scope.to_describe, pools, settings, ledger, described, line)
        except SettingsError as error:
            described.stopped = str(error)
        except KeyboardInterrupt:  # while it waited
            described.interrupted = True
    return described


def stream_descriptions(
    videos: Sequence[dict[str, Any]], pools: Sequence[Pool], settings: Settings, ledger: LedgerClient
) -> Generator[dict[str, Any], None, None]:
    """Run the pass over videos (rows of VIDEO) and give the writer's rows (DescriptionWriter.RETURNS) as they come."""
    import ray.data  # after ray_session() has set the environment that Ray reads when it is imported

    size = _videos_per_block(settings)
    blocks = [table_of(list(videos[first : first + size]), VIDEO) for first in range(0, len(videos), size)]
    outcomes = ray.data.from_arrow(blocks)
    schema = VIDEO
    for pool in pools:
        outcomes = through(outcomes, schema, pool, ledger, settings.pipeline.retries)
        schema = pool.outgoing(schema)
    for batch in outcomes.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
        yield from batch.to_pylist()


def _stream(
    videos: Sequence[dict[str, Any]],
    pools: Sequence[Pool],
    settings: Settings,
    ledger: LedgerClient,
    described: Described,
    line: ProgressLine,
) -> None:
    """Run the pass to its end, or until the model cannot be asked, and account for every video."""
    # Imported here: Ray reads its environment when it is imported, and ray_session() sets that.
    from ray.data import DataContext
    from ray.data.exceptions import ExecutionTimeoutError, RayDataUserCodeException, SystemException
    from ray.exceptions import RayError

    stages = [stage for pool in pools for stage in pool.stages]
    longest_s = max(video["span_end_s"] for video in videos)
    # The backstop behind the watchdogs, as in the indexing pass.
    patience_s = (settings.pipeline.retries + 2) * max(stage.limit.seconds(longest_s) for stage in stages)
    DataContext.get_current().execution_no_progress_timeout_s = patience_s
    progress = DescriptionProgress(len(videos), described=described)
    try:
        with (
            Heartbeat(line, progress, ledger, [pool.name for pool in pools]),
            contextlib.closing(stream_descriptions(videos, pools, settings, ledger)) as outcomes,
        ):
            for outcome in outcomes:
                described.add(outcome)
                if described.stopped:  # every other video would wait for the same server
                    break
    except KeyboardInterrupt:
        described.interrupted = True
    except (RayError, RayDataUserCodeException, SystemException, ExecutionTimeoutError) as error:
        described.stopped = str(error).strip().splitlines()[-1]
    line.show(progress, force=True)
    if described.stopped or described.interrupted:
        return
    names = {stage.name for stage in stages}
    with contextlib.suppress(RayError):  # without it a lost video is one that the model gave no answer for
        lost = [task for task in ledger.state().unfinished.values() if task.stage in names and task.is_outage]
        if lost:
            described.stopped = f"{lost[0].stage} raised {lost[0].error}"
            return
    described.failed, described.left = described.failed + described.left, 0


def _videos_per_block(settings: Settings) -> int:
    """A server is asked about several videos at once; else a block that is lost shall be one video."""
    writer = writer_settings(settings.summaries, settings.captions)
    return writer.endpoint.concurrency if writer.adapter == "http" else 1


def _server_patience_s(settings: Settings) -> float:
    writer = writer_settings(settings.summaries, settings.captions)
    return patience_s(writer.endpoint) if writer.adapter == "http" else 0.0


def _stored(settings: Settings, models: PreparedModels, run: Run) -> StoredDescription:
    """What is stored of every description of this run; text and time are still to come."""
    by_captioner = settings.summaries.adapter == "captioner"
    writer = writer_settings(settings.summaries, settings.captions)
    return StoredDescription(
        text="",
        model=models.caption_name if by_captioner else writer.model,
        toy=writer.toy or settings.summaries.toy,
        embedding=StoredEmbedding(
            model=models.text_name,
            dimensions=models.text_dimensions,
            has_embedding=True,
            toy=settings.text.toy,
        ),
        fingerprint=description_fingerprint(settings, run.fingerprint, models.text_version),
        described_at="",
    )
