"""What a floor of relevance leaves of searches of which it is known what answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.relevance_fit import Judged
from footage.pipeline_settings import SearchSettings
from footage.relevance import relevance


@dataclass(frozen=True)
class Outcome:
    """One search: numbers of scenes, and which hit comes first, without the floor and with it."""

    name: str
    kind: str
    has_answer: bool
    right: int  # scenes that answer, also those that no list gave
    right_found: int
    right_kept: int
    found: int
    kept: int
    first_was_right: bool
    first_is_right: bool
    most: float  # relevance of the most relevant hit


def outcome(name: str, kind: str, judged: Judged, settings: SearchSettings, floor: float) -> Outcome:
    """Judge one search by the curves in `settings`."""
    sure = [relevance(scores, settings) or 0.0 for scores in judged.scores]
    kept = [place for place, one in enumerate(sure) if one >= floor]
    return Outcome(
        name=name,
        kind=kind,
        has_answer=judged.has_answer,
        right=len(judged.right) + judged.missed,
        right_found=len(judged.right),
        right_kept=len(judged.right & set(kept)),
        found=len(sure),
        kept=len(kept),
        first_was_right=0 in judged.right,
        first_is_right=bool(kept) and kept[0] in judged.right,
        most=max(sure, default=0.0),
    )


def totals(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of all searches.

    `recall`: of the right scenes, which share is kept. `precision`: of what is kept, which share is right; scenes that
    nobody called right count as wrong, also where they fit a little.
    """
    answered = [one for one in outcomes if one.has_answer]
    nonsense = [one for one in outcomes if not one.has_answer]
    right = sum(one.right for one in answered)
    return {
        "searches": len(answered),
        "recall": _share(sum(one.right_kept for one in answered), right),
        "recall_without_floor": _share(sum(one.right_found for one in answered), right),
        "precision": _share(sum(one.right_kept for one in answered), sum(one.kept for one in outcomes)),
        "precision_without_floor": _share(sum(one.right_found for one in answered), sum(one.found for one in outcomes)),
        "first_hit_right": sum(one.first_is_right for one in answered),
        "first_hit_right_without_floor": sum(one.first_was_right for one in answered),
        "left_without_right_hits": sum(one.right_kept == 0 for one in answered),
        "nonsense": len(nonsense),
        "nonsense_with_hits": sum(one.kept > 0 for one in nonsense),
        "nonsense_hits_each": _share(sum(one.kept for one in nonsense), len(nonsense)),
    }


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each kind of search, and one for each search that the floor judges wrongly."""
    lines = [f"{'kind':26} {'searches':>8} {'right':>6} {'kept':>6} {'first':>6} {'with hits':>9} {'hits each':>9}"]
    for kind in dict.fromkeys(one.kind for one in outcomes):
        mine = [one for one in outcomes if one.kind == kind]
        right = sum(one.right for one in mine)
        numbers = [
            f"{len(mine):8}",
            f"{right or '-':>6}",
            f"{sum(one.right_kept for one in mine) if right else '-':>6}",
            f"{sum(one.first_is_right for one in mine) if right else '-':>6}",
            f"{sum(one.kept > 0 for one in mine):9}",
            f"{sum(one.kept for one in mine) / len(mine):9.1f}",
        ]
        lines.append(f"{kind[:26]:26} {' '.join(numbers)}")
    lost = [f"  {one.name}" for one in outcomes if one.has_answer and one.right_kept < one.right]
    false = [f"  {one.name} ({one.kept}, up to {one.most:.2f})" for one in outcomes if not one.has_answer and one.kept]
    lines += ["", "Lost right scenes:", *(lost or ["  none"]), "", "Nonsense with hits:", *(false or ["  none"])]
    return "\n".join(lines)


def _share(part: float, whole: float) -> float:
    return round(part / whole, 3) if whole else 0.0
