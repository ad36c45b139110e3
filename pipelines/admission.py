"""Lets a run start its pools when the cards for them are there: asks for all of them at once, and waits in turn.

Pools that start while others still lack their first card hold what those wait for, for ever if nothing comes. So a run
takes its cards together, one run after the other, before any actor starts. That also has an autoscaler start all nodes
in the beginning, and not one by one.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from footage.pipeline_settings import PipelineSettings
from pipelines.cluster_room import ClusterRoom
from pipelines.ledger import LedgerClient
from pipelines.sizing import CardLine, card_line
from pipelines.stage import Pool

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup

_INTERVAL_S = 1.0
_NAMESPACE = "footage"


class _Turn:
    """An actor that is there as long as a run takes its cards; it ends with that run's driver."""


@contextlib.contextmanager
def admitted(
    planned: Sequence[Pool],
    room: ClusterRoom,
    settings: PipelineSettings,
    tell: Callable[[str], None],
    has_started: Callable[[], bool],
) -> Iterator[ClusterRoom]:
    """For a block in which a run's pools start: the room with the cards that the run may start on.

    Cards come as soon as they are free or their nodes are up. On a cluster that grows the run waits for all of them,
    but after pipeline.grow_wait_s it begins with those that came. A run that gets no card at all waits on.

    Args:
        planned: the pools as they are when the cluster has grown, for `room.grown()`.
        room: of the run.
        settings: of the run.
        tell: is told every second what the run waits for.
        has_started: whether each pool has an actor that works; then the next run may take its cards.
    """
    line = card_line(planned, room.grown())
    if room.own_machine or not line.count:
        yield room
        return
    # Nodes for what starts beside the cards come at the same time; they are not waited for.
    beside = [{"CPU": pool.num_cpus} for pool in planned if not pool.num_gpus for _ in range(pool.size)]
    with _turn(settings.node_labels, tell, has_started):
        yield room.with_cards(_cards(line, beside if room.grows else [], room, settings, tell))


def started(ledger: LedgerClient, pools: Sequence[str]) -> Callable[[], bool]:
    """Tells whether each of these pools has got an actor that has loaded since this was called."""
    before = ledger.state().actors_ready

    def all_have() -> bool:
        now = ledger.state().actors_ready
        return all(now[pool] > before[pool] for pool in pools)

    return all_have


def waiting_words(missing: float, there: float, *, grows: bool) -> str:
    """What a run waits for, in a few words."""
    cards = f"{missing:g} GPU{'' if missing == 1 else 's'}"
    return f"waiting for {cards} to {'start' if grows else 'become free'}" + (f", {there:g} there" if there else "")


def _cards(
    line: CardLine,
    beside: Sequence[dict[str, float]],
    room: ClusterRoom,
    settings: PipelineSettings,
    tell: Callable[[str], None],
) -> float:
    """How many cards the run got, when nodes for them and for what is `beside` them were asked for."""
    from ray.util.placement_group import placement_group, placement_group_table, remove_placement_group

    def ask(bundles: Sequence[dict[str, float]]) -> "PlacementGroup":
        labels = [settings.node_labels] * len(bundles) if settings.node_labels else None
        return placement_group(list(bundles), strategy="PACK", bundle_label_selector=labels)

    groups: list[PlacementGroup] = []
    others: list[PlacementGroup] = []
    begun, before = time.monotonic(), -1
    try:
        for _ in range(line.count):
            groups.append(ask(line.bundles))
        for bundle in beside:
            others.append(ask([bundle]))
        while True:
            table = placement_group_table()
            there = sum(table[group.id.hex()]["state"] == "CREATED" for group in groups)
            is_late = time.monotonic() - begun > settings.grow_wait_s
            # Where nothing grows, what is free is there at once; as it comes one by one, it is looked at twice.
            if there == line.count or (there and (is_late if room.grows else there == before)):
                return float(there) if len(line.bundles) == 1 else room.most_gpus
            before = there
            share = line.cards / line.count
            tell(waiting_words((line.count - there) * share, there * share, grows=room.grows))
            time.sleep(_INTERVAL_S)
    finally:
        for group in (*groups, *others):
            remove_placement_group(group)


@contextlib.contextmanager
def _turn(labels: dict[str, str], tell: Callable[[str], None], has_started: Callable[[], bool]) -> Iterator[None]:
    """Be the only run on nodes of these labels that takes its cards, until its pools have started or the block ends."""
    import ray

    name = ",".join(["start", *(f"{key}={value}" for key, value in sorted(labels.items()))])
    while True:
        try:
            turn = ray.remote(num_cpus=0)(_Turn).options(name=name, namespace=_NAMESPACE).remote()
            break
        except ValueError:  # the name is taken
            tell("waiting for another run to start")
            time.sleep(_INTERVAL_S)
    ended = threading.Event()

    def until_started() -> None:
        while not ended.wait(_INTERVAL_S):
            with contextlib.suppress(ray.exceptions.RayError):
                if has_started():
                    ray.kill(turn)
                    return

    watching = threading.Thread(target=until_started, daemon=True, name="admission")
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
        ray.kill(turn)
