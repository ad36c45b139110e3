"""The indexing pipeline: sources stream through planning, decoding, the models and the writer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actors.captioner import Captioner
from actors.chat_captioner import CHAT_ENVIRONMENT
from actors.chat_server import patience_s
from actors.decoder_limits import decode_limit, plan_limit
from actors.frame_embedder import FrameEmbedder
from actors.kept_scenes import keeper_of
from actors.model_preparation import PreparedModels
from actors.scene_writer import SceneWriter
from actors.span_planner import SOURCE, SpanPlanner
from actors.text_embedder import TextEmbedder
from actors.transcriber import Transcriber
from actors.video_decoder import VideoDecoder
from footage.catalog import Catalog
from footage.index import VectorIndex
from footage.kept_parts import parts_of_run
from footage.local_sources import local_path
from footage.parts import Part
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sources import is_remote
from footage.span_table import table_of
from pipelines.cluster_room import ClusterRoom
from pipelines.description_scope import descriptions_off
from pipelines.gpu_shares import shares_of
from pipelines.ledger import LedgerClient
from pipelines.pool_stream import through
from pipelines.reconcile import Run
from pipelines.sizing import decoder_actors, fitted, model_actors
from pipelines.stage import Pool, Stage, TimeLimit

SOUND = ("audio_s16", "audio_start_s", "language_audio_s16")  # columns of VideoDecoder, and so is the next
PICTURES = ("key_frames",)


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
    settings: Settings,
    models: PreparedModels,
    catalog: Catalog,
    index: VectorIndex,
    run: Run,
    room: ClusterRoom | None = None,
) -> IndexPools:
    """Which actors run, in which order, with which resources.

    Args:
        settings: of the run.
        models: of the run.
        catalog: of the workspace.
        index: where vectors go.
        run: of which the pools are.
        room: that it may take; None: this machine, without a card.

    Raises:
        SettingsError: the stages' shares do not fit on the cards or CPUs of the room, or run.only names a part that
            this profile does not make.
    """
    room = room or ClusterRoom.of_machine()
    parts = parts_of_run(settings, run.only)
    sizes, decoder, access = settings.pipeline, settings.decoder, RemoteAccess.of(settings)
    limit = TimeLimit(sizes.watchdog_base_s, sizes.watchdog_per_media_s)
    planner = Stage(
        SpanPlanner,
        {
            "settings": decoder,
            "catalog": catalog,
            "fingerprint": run.fingerprint,
            "access": access,
            "only": run.only,
            "components": run.components,
        },
        limit=TimeLimit(*plan_limit(decoder)),
    )
    decode = Stage(
        VideoDecoder,
        {
            "settings": decoder,
            "wants_language_sample": settings.speech.language is None,  # one that is set needs no finding out
            "access": access,
            "wants_sound": Part.SPEECH in parts.made,
        },
        limit=TimeLimit(*decode_limit(decoder)),
    )
    # The last that sees pictures ends them.
    last_seeing = next((part for part in (Part.FRAMES, Part.CAPTIONS) if part in parts.made), None)
    keep = Stage(
        keeper_of(parts.kept),
        {"catalog": catalog, "index": index, "fingerprint": run.fingerprint},
        drops=(SOUND if Part.SPEECH in parts.kept else ()) + (PICTURES if last_seeing is None else ()),
        limit=limit,
    )
    transcribe = Stage(Transcriber, {"settings": settings.speech}, drops=SOUND, limit=limit)
    waits_s = patience_s(settings.captions.endpoint) if settings.captions.adapter == "http" else 0.0
    caption = Stage(
        Captioner,
        {"settings": settings.captions, "folder": models.caption_folder},
        drops=PICTURES if last_seeing is Part.CAPTIONS else (),
        limit=TimeLimit(limit.base_s + waits_s, limit.per_media_s),
    )
    embed_frames = Stage(
        FrameEmbedder,
        {
            "settings": settings.frames,
            "folder": models.vision_folder,
            "tags": settings.tags,
            "tower_folder": models.vision_tower_folder,
        },
        drops=PICTURES,
        limit=limit,
    )
    embed_text = Stage(TextEmbedder, {"settings": settings.text, "folder": models.text_folder}, limit=limit)
    write = Stage(
        SceneWriter,
        {
            "catalog": catalog,
            "index": index,
            "fingerprint": run.fingerprint,
            "models": models.named(),
            "components": run.components,
            "lease_s": sizes.lease_s,
            "describes": not descriptions_off(settings),
        },
        limit=limit,
    )

    stages = ((Part.SPEECH, transcribe), (Part.CAPTIONS, caption), (Part.FRAMES, embed_frames))
    made = [stage for part, stage in stages if part in parts.made]
    groups: list[tuple[Stage, ...]]
    if not sizes.fuse:
        groups = [(stage,) for stage in (*made, embed_text)]
    elif settings.captions.adapter in ("off", "native"):
        # One torch process instead of four: half the memory, a third less start-up.
        groups = [(*made, embed_text)]
    else:
        # A server is waited for, and remote code has packages of its own: neither may hold up the other models.
        last = (embed_frames, embed_text) if Part.FRAMES in parts.made else (embed_text,)
        groups = [*((stage,) for stage in made if stage is not embed_frames), last]
    shares = shares_of(settings)
    shares_of_pools = [{name: shares[name] for name in _names(group) if name in shares} for group in groups]
    asks_server = settings.captions.adapter == "http"
    computes = [not (asks_server and group == (caption,)) for group in groups]
    # Cards are what costs: models start on all of them at once and stay; see model_actors for those on CPUs.
    model_pools = [
        Pool(
            group,
            size=actors.size,
            most=actors.most,
            num_cpus=actors.num_cpus,
            num_gpus=sum(of_pool.values()),
            memory_mib=sizes.model_memory_mib,
            start_limit_s=sizes.watchdog_start_s,
            packages=CHAT_ENVIRONMENT if caption in group and settings.captions.adapter == "chat" else (),
        )
        for group, of_pool, actors in zip(
            groups, shares_of_pools, model_actors(shares_of_pools, computes, sizes, room), strict=True
        )
    ]
    decoders = decoder_actors(sizes, room)
    plan, *work = fitted(
        (
            Pool((planner,), size=1, num_cpus=0.1),  # reads and hashes: one keeps a disk busy
            Pool(
                (decode, keep) if parts.kept else (decode,),  # what is kept is a few small reads of a span
                size=decoders.size,  # one for each card, so that all cards begin at once
                most=decoders.most if decoders.most != decoders.size else None,  # what keeps the cards busy, or fits
                num_cpus=decoders.num_cpus,  # one thread decodes; tenths where few cores are shared by all stages
            ),
            *model_pools,
            Pool((write,), size=1, num_cpus=0.1),  # small writes; the index takes them one at a time anyway
        ),
        room,
    )
    return IndexPools(plan, tuple(work))


def _names(group: tuple[Stage, ...]) -> list[str]:
    return [stage.name for stage in group]


def stream_outcomes(
    sources: Sequence[Source], run: Run, pools: IndexPools, ledger: LedgerClient, retries: int
) -> Iterator[dict[str, Any]]:
    """Run the pipeline over sources and give the writer's rows (SceneWriter.RETURNS) as they come."""
    import ray.data  # after ray_session() has set the environment that Ray reads when it is imported

    tables = [source_table(source, run) for source in sources]
    spans = through(ray.data.from_arrow(tables), SOURCE, pools.plan, ledger, retries)
    # One block per span, so that spans of one video spread over the decoders and a lost block is one span.
    outcomes = spans.repartition(target_num_rows_per_block=1)
    schema = pools.plan.outgoing(SOURCE)
    for pool in pools.work:
        outcomes = through(outcomes, schema, pool, ledger, retries)
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
        "path": b"" if is_remote(source.uri) else bytes(local_path(source.uri)),
    }
    return table_of([row], SOURCE)
