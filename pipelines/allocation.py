"""What a run would take of a cluster, told before it starts: the actors of each pool, and what will limit it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.index import VectorIndex
from footage.record_store import get_record
from footage.run_records import RunReport
from footage.settings import Settings
from footage.storage import ObjectStore
from pipelines.cluster_room import ClusterRoom, NodeGroup
from pipelines.index_videos import index_pools
from pipelines.reconcile import Run
from pipelines.sizing import expected_spans

_REPORTS = 5  # the last runs with this profile that did something: enough to even out one odd run


@dataclass(frozen=True)
class PoolShare:
    """What one pool takes."""

    stages: tuple[str, ...]
    least: int  # actors that start at once and stay
    most: int  # up to how many it grows
    num_cpus: float  # of each actor
    num_gpus: float

    @property
    def name(self) -> str:
        """How reports call it."""
        return "+".join(self.stages)


@dataclass(frozen=True)
class Bottleneck:
    """The pool that the others will wait for."""

    pool: str
    media_per_s: float | None  # seconds of video in a second that this pool can do; None: nothing was measured
    reason: str


@dataclass(frozen=True)
class Allocation:
    """How a run would be laid out."""

    profile: str
    pools: tuple[PoolShare, ...]
    room: ClusterRoom
    nodes: tuple[NodeGroup, ...]  # that the pools need when all have started; `now`: of those that are there already
    bottleneck: Bottleneck
    videos: int | None = None  # it is for; None: very many
    size_bytes: int = 0  # of those
    spans: int | None = None  # that they may have

    @property
    def least_cpus(self) -> float:
        """That the actors of the beginning take."""
        return sum(pool.least * pool.num_cpus for pool in self.pools)

    @property
    def least_gpus(self) -> float:
        """The same of cards."""
        return sum(pool.least * pool.num_gpus for pool in self.pools)


def allocation_of(
    settings: Settings,
    room: ClusterRoom,
    store: ObjectStore,
    *,
    videos: int | None = None,
    size_bytes: int = 0,
) -> Allocation:
    """The layout of a run, without loading a model or starting an actor.

    Args:
        settings: of the run.
        room: that it may take: room_of_ray() or ClusterRoom.of_machine().
        store: with the reports of earlier runs, from which it is known what each stage costs.
        videos: that there are to index; None: very many.
        size_bytes: of those.

    Raises:
        SettingsError: the shares of the stages do not fit.
    """
    spans = None if videos is None else expected_spans(videos, size_bytes, settings.decoder)
    if spans is not None:
        room = room.for_spans(spans, settings.pipeline.spans_per_card)
    run = Run("dry-run", "default", None, "")
    pools = index_pools(settings, _NO_MODELS, cast(Catalog, None), cast(VectorIndex, None), run, room.grown())
    shares = tuple(
        PoolShare(
            tuple(stage.name for stage in pool.stages), pool.size, pool.ceiling, pool.num_cpus, float(pool.num_gpus)
        )
        for pool in (pools.plan, *pools.work)
    )
    bottleneck = bottleneck_of(shares, earlier_reports(store, settings.profile))
    nodes = nodes_for(shares, room)
    return Allocation(settings.profile, shares, room, nodes, bottleneck, videos, size_bytes, spans)


def nodes_for(pools: Sequence[PoolShare], room: ClusterRoom) -> tuple[NodeGroup, ...]:
    """The nodes on which the actors of the beginning fit, by first fit, the largest actors first.

    `now` of each group is how many of them are there, `most` how many are needed. What fits on no node that is known of
    is left out.
    """
    needed: Counter[NodeGroup] = Counter()
    nodes: list[tuple[NodeGroup, float, float]] = []
    actors = [(pool.num_gpus, pool.num_cpus) for pool in pools for _ in range(pool.least)]
    for gpus, cpus in sorted(actors, reverse=True):
        at = next(
            (n for n, (_, free_cpus, free_gpus) in enumerate(nodes) if _fits(cpus, gpus, free_cpus, free_gpus)), None
        )
        if at is None:
            # Work without a card goes to nodes without one, if there are any: cards are what costs.
            may = [g for g in room.groups if _fits(cpus, gpus, g.cpus, g.gpus) and needed[g] < max(g.now, g.most)]
            if not may:
                continue
            group = min(may, key=lambda g: (g.gpus, needed[g] >= g.now, g.cpus))
            needed[group] += 1
            nodes.append((group, group.cpus, group.gpus))
            at = len(nodes) - 1
        group, free_cpus, free_gpus = nodes[at]
        nodes[at] = (group, free_cpus - cpus, free_gpus - gpus)
    return tuple(replace(group, now=min(group.now, count), most=count) for group, count in needed.items())


def earlier_reports(store: ObjectStore, profile: str) -> list[RunReport]:
    """The last runs of a profile that indexed something, the newest first."""
    keys = sorted((key for key in store.list("runs/") if key.endswith(".json")), reverse=True)
    reports = (get_record(store, key, RunReport) for key in keys)
    measured = (r for r in reports if r is not None and r.profile == profile and r.media_s and r.stage_seconds)
    return list(islice(measured, _REPORTS))


def bottleneck_of(pools: Sequence[PoolShare], reports: Sequence[RunReport]) -> Bottleneck:
    """The pool that will limit the run, by what its stages took in earlier runs, or by a rule."""
    media_s = sum(report.media_s for report in reports)
    stages = {stage for pool in pools for stage in pool.stages}
    took = {stage: sum(report.stage_seconds.get(stage, 0.0) for report in reports) for stage in stages}
    speeds = {
        pool.name: pool.most * media_s / cost for pool in pools if (cost := sum(took[name] for name in pool.stages))
    }
    if not speeds:
        stage = next(stage for stage in _BY_RULE if stage in stages)
        pool = next(pool for pool in pools if stage in pool.stages)
        why = f"No run of this profile is measured in this store yet. By rule: {_BY_RULE[stage]}"
        return Bottleneck(pool.name, None, why)
    first, *others = sorted(speeds, key=lambda name: speeds[name])
    pool = next(pool for pool in pools if pool.name == first)
    cost_s = 3600 * sum(took[name] for name in pool.stages) / media_s
    actors = f"{pool.most} actor{'' if pool.most == 1 else 's'}"
    why = (
        f"In {len(reports)} run{'' if len(reports) == 1 else 's'} of this profile it took {cost_s:.0f} s of an actor"
        f" for an hour of video, so that {actors} can do {speeds[first]:.1f} hours of video in an hour"
    )
    why += f"; next is {others[0]} with {speeds[others[0]]:.1f}." if others else "."
    return Bottleneck(first, speeds[first], why)


# What costs most where nothing was measured, in order; docs/tuning.md has the measurements.
_BY_RULE = {
    "Captioner": "captions cost more than all the rest.",
    "Transcriber": "without captions, speech costs most.",
    "VideoDecoder": "without captions and speech, decoding costs most.",
}
# Stages are only described here: where their models lie does not matter until an actor starts.
_NOWHERE = Path()
_NO_MODELS = PreparedModels(
    speech_name="",
    speech_version="",
    text_name="",
    text_version="",
    text_folder=_NOWHERE,
    text_tower_folder=_NOWHERE,
    text_dimensions=1,
    sparse_idf=False,
    vision_name="",
    vision_version="",
    vision_folder=_NOWHERE,
    vision_tower_folder=_NOWHERE,
    picture_tower_folder=_NOWHERE,
    vision_dimensions=1,
)


def _fits(cpus: float, gpus: float, free_cpus: float, free_gpus: float) -> bool:
    return cpus <= free_cpus + _ROUNDING and gpus <= free_gpus + _ROUNDING


_ROUNDING = 1e-9  # shares are sums of decimal fractions
