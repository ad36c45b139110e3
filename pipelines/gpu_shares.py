"""Shares of GPUs: whether they fit, and how many actors each pool gets for the cards that Ray has."""

from collections.abc import Mapping, Sequence

from footage.errors import SettingsError
from footage.settings import Settings, has_gpu

# Shares are sums of decimal fractions: 0.1 + 0.2 is a little more than 0.3.
_ROUNDING = 1e-9


def shares_of(settings: Settings) -> dict[str, float]:
    """The share of one card that each stage with a model asks for, by the stage's name; those without one are left out.

    A captioner that asks a server needs no card of ours.
    """
    pipeline = settings.pipeline
    shares = {
        "Transcriber": pipeline.speech_num_gpus,
        "Captioner": pipeline.captions_num_gpus if settings.captions.adapter in ("native", "chat") else 0.0,
        "FrameEmbedder": pipeline.frames_num_gpus,
        "TextEmbedder": pipeline.text_num_gpus,
    }
    return {stage: share for stage, share in shares.items() if share}


def check_devices(settings: Settings, *, own_machine: bool) -> None:
    """Refuse what cannot work before anything starts.

    Args:
        settings: of the run.
        own_machine: the actors run on this machine, not on a cluster that may have what this one has not.

    Raises:
        SettingsError: a model is to run on a GPU and this machine has none, or on a GPU of which it gets no share
            (Ray hides all cards from an actor without one).
    """
    shares = shares_of(settings)
    captions = settings.captions
    on_cuda = {
        "Transcriber": ("speech", settings.speech.device),
        "Captioner": (
            "captions",
            captions.device if captions.adapter in ("native", "chat") else "cpu",
        ),
        "FrameEmbedder": ("frames", settings.frames.device),
        "TextEmbedder": ("text", settings.text.device),
    }
    wanting = {stage: section for stage, (section, device) in on_cuda.items() if device == "cuda"}
    if wanting and own_machine and not has_gpu():
        raise SettingsError(
            f"Profile {settings.profile} runs its models on a GPU, and this machine has none: use --profile cpu, or"
            " --profile offline, whose models come with the installation."
        )
    for stage, section in wanting.items():
        if stage not in shares:
            raise SettingsError(
                f"{section}.device is cuda, but pipeline.{section}_num_gpus is 0, so that Ray would show no card to"
                f" {stage}: give it a share, such as 0.25."
            )


def actors_per_pool(pools: Sequence[Mapping[str, float]], cards: float, wanted: int) -> int:
    """How many actors each pool gets: `wanted` for each card if they fit on one, else `wanted` on all cards together.

    Args:
        pools: for each pool the shares of one card that its stages ask for, by stage. An actor runs all stages of its
            pool, so it takes their sum.
        cards: that Ray has.
        wanted: pipeline.model_actors.

    Raises:
        SettingsError: the actors do not fit on the cards; the message shows the sum.
    """
    shares = {stage: share for pool in pools for stage, share in pool.items()}
    of_actors = [sum(pool.values()) for pool in pools if pool]
    total = wanted * sum(of_actors)
    if not shares:
        return wanted
    if total <= 1 + _ROUNDING and cards >= 1:
        return wanted * int(cards)
    if _fit(of_actors * wanted, int(cards)):
        return wanted
    terms = " + ".join(f"{stage} {share:g}" for stage, share in shares.items())
    times = f"{wanted} x ({terms})" if wanted > 1 else terms
    raise SettingsError(
        f"The GPU shares do not fit: {times} = {_cards(total)}, and Ray has {_cards(cards)}. Lower"
        " pipeline.*_num_gpus until the sum is at most 1, lower pipeline.model_actors, or add cards."
    )


def _cards(count: float) -> str:
    return "no card" if count == 0 else "1 card" if count == 1 else f"{count:g} cards"


def _fit(shares: list[float], cards: int) -> bool:
    """Whether the shares can be packed on the cards, none on two of them (first fit, largest first)."""
    free = [1.0] * cards
    for share in sorted(shares, reverse=True):
        if share > 1:  # Ray gives such an actor whole cards
            whole = [number for number, left in enumerate(free) if left == 1.0][: int(share)]
            if share != int(share) or len(whole) < share:
                return False
            for number in whole:
                free[number] = 0.0
            continue
        place = next((number for number, left in enumerate(free) if left + _ROUNDING >= share), None)
        if place is None:
            return False
        free[place] -= share
    return True
