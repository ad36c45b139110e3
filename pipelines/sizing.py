"""How many actors each pool gets: of what it asks for, what fits on the cluster beside the other pools."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from footage.decoder_settings import DecoderSettings
from footage.errors import SettingsError
from footage.pipeline_settings import PipelineSettings
from pipelines.cluster_room import ClusterRoom
from pipelines.gpu_shares import actors_per_pool
from pipelines.stage import Pool

# Ray Data's own tasks, which deal spans out to the decoders, take a whole CPU each and run one after the other if they
# must. Actors that take every CPU leave them waiting without end (ray#44687).
CPUS_OF_RAY_DATA = 1.0
# Of a video whose length nobody knows before it is opened: 1 Mbit/s, as of a recorded lecture. What looks better has
# fewer seconds in a byte, so this counts too many spans rather than too few.
BYTES_PER_MEDIA_S = 125_000


def expected_spans(videos: int, size_bytes: int, decoder: DecoderSettings) -> int:
    """How many spans so many videos may have: one each at least, and as many as their bytes may hold."""
    return max(videos, math.ceil(size_bytes / BYTES_PER_MEDIA_S / decoder.span_s))


@dataclass(frozen=True)
class Actors:
    """How many actors a model pool starts with, and up to how many it grows, with the CPU share of each."""

    size: int
    most: int | None
    num_cpus: float


def model_actors(
    shares: Sequence[Mapping[str, float]], busy: Sequence[bool], settings: PipelineSettings, room: ClusterRoom
) -> list[Actors]:
    """The actors of each model pool.

    With cards: `model_actors` of each pool for each card. All that fit on the cards that are there start at once and
    stay (models take minutes to load); the pools grow onto cards that come later.
    Without: `model_actors` of each, and on a cluster as many as the CPUs allow.

    Args:
        shares: for each pool the shares of a card that its stages ask for, by stage.
        busy: for each pool whether it computes here; else it waits for a server.
        settings: of the run.
        room: of the run.

    Raises:
        SettingsError: the shares do not fit on the cards.
    """
    wanted = settings.model_actors
    if any(shares):
        try:
            size = actors_per_pool(shares, room.gpus, wanted)
        except SettingsError as error:
            if room.own_machine or room.most_gpus:
                raise
            raise SettingsError(
                f"{error} On a cluster that starts nodes when they are needed, pipeline.max_gpus says how many cards"
                " a run may have."
            ) from error
        most = max(size, actors_per_pool(shares, room.most_gpus, wanted)) if room.grows else size
        size, most = (min(count, room.spans or count) for count in (size, most))
        # On a cluster a card is all that they ask for: on a node whose CPUs decoders took first it would lie idle, and
        # the pools that wait for it with it.
        of_card = settings.model_num_cpus if room.own_machine else 0.0
        return [
            Actors(size, most if most > size else None, of_card if of_pool else settings.model_num_cpus)
            for of_pool in shares
        ]
    if room.in_tenths:
        return [Actors(wanted, None, settings.model_num_cpus) for _ in shares]
    return [
        Actors(wanted, room.spans or _NO_LIMIT, settings.worker_num_cpus)
        if computes
        else Actors(wanted, None, settings.model_num_cpus)
        for computes in busy
    ]


def decoder_actors(settings: PipelineSettings, room: ClusterRoom) -> Actors:
    """The actors of the decoder pool: enough to keep the cards busy, and on a cluster without cards what CPUs allow."""
    share = settings.decoder_num_cpus if room.in_tenths else settings.worker_num_cpus
    least = max(settings.decoders, int(room.gpus))  # one for each card: all of them get something to do at once
    if room.most_gpus:
        most = settings.decoders_per_card * int(room.most_gpus)
        if room.own_machine:  # where shares are tenths, the cores count, and one is Ray Data's
            most = min(most, int(room.cpus) - 1)
    else:
        most = least if room.in_tenths else _NO_LIMIT
    if room.spans is not None and not room.in_tenths:
        least, most = min(least, room.spans), min(most, room.spans)
    return Actors(least, max(least, most), share)


_NO_LIMIT = 10**6  # actors: what fits decides


def fitted(pools: Sequence[Pool], room: ClusterRoom) -> tuple[Pool, ...]:
    """The pools within the CPUs of the room: those that may grow start with fewer actors if they must.

    Every pool gets one actor at least, and a CPU stays for Ray Data's own tasks: a pool that found no room would wait
    for others that wait for it.

    Raises:
        SettingsError: not even that fits; the message shows the sum.
    """
    least = [replace(pool, size=1) if _shrinks(pool) else pool for pool in pools]
    taken = _cpus(least)
    if taken + CPUS_OF_RAY_DATA > room.most_cpus + _ROUNDING:
        terms = " + ".join(f"{pool.size} x {pool.name} {pool.num_cpus:g}" for pool in least)
        raise SettingsError(
            f"The CPU shares do not fit: {terms} + {CPUS_OF_RAY_DATA:g} for Ray Data's own tasks ="
            f" {taken + CPUS_OF_RAY_DATA:g} CPUs, and the run may have {room.most_cpus:g}. Lower"
            " pipeline.decoder_num_cpus, worker_num_cpus or model_num_cpus, add CPUs, or raise pipeline.max_cpus, which"
            " also says how far a cluster grows that starts nodes when they are needed."
        )
    free = room.most_cpus - taken - CPUS_OF_RAY_DATA
    if whole := [pool for pool in least if pool.num_cpus >= 1 - _ROUNDING]:
        share = max(pool.num_cpus for pool in whole)
        slots = room.slots(share, taken - _cpus(whole)) - math.ceil(CPUS_OF_RAY_DATA / share)
        free = max(0, slots - sum(pool.size for pool in whole)) * share
    growing = sum(map(_shrinks, pools))
    return tuple(_limited(pool, free, growing) if _shrinks(pool) else pool for pool in pools)


_ROUNDING = 1e-9  # shares are sums of decimal fractions


def _shrinks(pool: Pool) -> bool:
    """Whether a pool may start with fewer actors than it asks for; those with cards are sized by the cards."""
    return not pool.num_gpus and pool.most is not None


def _limited(pool: Pool, free_cpus: float, growing: int) -> Pool:
    """The pool with at most as many more actors as free CPUs hold; it starts with its part of them, of `growing`."""
    more = free_cpus / pool.num_cpus + _ROUNDING
    ceiling = int(min(pool.ceiling, 1 + more))
    size = int(min(pool.size, 1 + more / growing, ceiling))
    return replace(pool, size=size, most=ceiling if ceiling > size else None)


def _cpus(pools: Sequence[Pool]) -> float:
    return sum(pool.size * pool.num_cpus for pool in pools)


@dataclass(frozen=True)
class CardLine:
    """One actor (or pipeline.model_actors) of each pool with a card: what lies on one card together, if it fits."""

    bundles: tuple[dict[str, float], ...]  # as Ray counts resources; what must lie on one node each
    count: int  # of such lines

    @property
    def cards(self) -> float:
        """That all lines take."""
        return self.count * sum(bundle["GPU"] for bundle in self.bundles)


def card_line(pools: Sequence[Pool], room: ClusterRoom) -> CardLine:
    """What pools that were sized for a room ask of its cards."""
    with_cards = [pool for pool in pools if pool.num_gpus]
    cards = max(1, int(room.gpus))
    bundles = tuple({"GPU": pool.num_gpus * max(1, pool.size // cards)} for pool in with_cards)
    gpus = sum(bundle["GPU"] for bundle in bundles)
    if not bundles or gpus > 1 + _ROUNDING:
        return CardLine(bundles, 1 if bundles else 0)
    return CardLine(({"GPU": round(gpus, 4)},), min(cards, max(pool.size for pool in with_cards)))
