"""Which lists a search asks, and how much each of them counts."""

from collections.abc import Collection
from typing import get_args

from footage.errors import SettingsError
from footage.index_records import ListName
from footage.list_names import KINDS
from footage.pipeline_settings import SearchSettings
from footage.search import Mode, SceneScope

OF_WORDS: tuple[ListName, ...] = ("transcript", "transcript_sparse", "visual", "caption")
OF_A_PICTURE: tuple[ListName, ...] = ("image",)
MODES: dict[ListName, Mode] = {
    "transcript": "spoken",
    "transcript_sparse": "spoken",
    "visual": "seen",
    "image": "seen",
    "caption": "captioned",
}


def list_weights(scope: SceneScope, settings: SearchSettings, possible: Collection[ListName]) -> dict[ListName, float]:
    """The weights of the lists to ask, each above 0, in the lists' own order.

    Args:
        scope: names lists, or none for all, and multiplies weights by modes.
        settings: with the weights.
        possible: lists for which there is something to look for.

    Raises:
        SettingsError: no list is left; says why.
    """
    named = scope.lists or get_args(ListName)
    asked = [name for name in get_args(ListName) if name in named and name in possible]
    if not asked:
        raise SettingsError(
            f"The search is not possible: it is to go by {_kinds(named)}, and what it looks for can be found by"
            f" {_kinds(possible)} only."
        )
    weights = {name: _weight(name, settings) for name in asked}
    if not any(weights.values()):
        settings_names = ", ".join(f"search.{name}_weight" for name in asked)
        raise SettingsError(f"The search is not possible: {settings_names} is 0 in the settings. Give one a weight.")
    weights = {name: weight * scope.modes.get(MODES[name], 1.0) for name, weight in weights.items()}
    if not any(weights.values()):
        raise SettingsError(
            f"The search is not possible: it goes by {_kinds(asked)}, which its modes leave out. Give spoken, seen or"
            " captioned a number above 0."
        )
    return {name: weight for name, weight in weights.items() if weight > 0}


def _kinds(names: Collection[ListName]) -> str:
    return ", ".join(dict.fromkeys(KINDS[name] for name in names))


def _weight(name: ListName, settings: SearchSettings) -> float:
    weights: dict[ListName, float] = {
        "transcript": settings.transcript_weight,
        "transcript_sparse": settings.transcript_sparse_weight,
        "visual": settings.visual_weight,
        "caption": settings.caption_weight,
        "image": settings.image_weight,
    }
    return weights[name]
