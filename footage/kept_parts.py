"""What `footage index --only` makes anew of an indexed video, what it keeps, and when it cannot.

Captions are made with what is said in their scenes: those that are kept while speech is made anew had the words that
were heard before. `--only speech --only captions` makes both.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from footage.errors import PartsDiffer, SettingsError
from footage.parts import Part
from footage.settings import Settings
from footage.sidecar import Manifest

# What a part is made by, as fingerprint.component_fingerprints names it. What no part is made by (version, decoder,
# text) may not differ: it decides which scenes there are, and whether their vectors can be compared.
_COMPONENTS: Mapping[Part, frozenset[str]] = {
    Part.SPEECH: frozenset({"speech"}),
    Part.FRAMES: frozenset({"frames", "tags"}),
    Part.CAPTIONS: frozenset({"captions"}),
}
REMEDY = "Index it without --only, or run `footage retry`: both make all of it anew."


@dataclass(frozen=True)
class PartsOfRun:
    """The parts that a run's videos have, by where they come from."""

    made: frozenset[Part]
    kept: frozenset[Part]  # taken from what is stored


def parts_of_run(settings: Settings, only: Collection[Part]) -> PartsOfRun:
    """What a run makes and what it keeps; without `only` it makes all.

    Raises:
        SettingsError: a part is asked for that this profile does not make.
    """
    has_captions = settings.captions.adapter != "off"
    if Part.CAPTIONS in only and not has_captions:
        raise SettingsError(
            f"Profile {settings.profile} makes no captions (captions.adapter is off), so --only captions would make"
            " nothing. Name a profile that makes some with --profile, or set captions.adapter and captions.model."
        )
    all_parts = frozenset(Part) if has_captions else frozenset(Part) - {Part.CAPTIONS}
    made = frozenset(only) or all_parts
    return PartsOfRun(made, all_parts - made)


def check_kept(name: str, manifest: Manifest | None, components: Mapping[str, str], only: Collection[Part]) -> None:
    """Refuse a video of which a run cannot keep what it does not make.

    Args:
        name: of the source, for the message.
        manifest: of the video; None if it has none.
        components: of the run's pipeline; see fingerprint.component_fingerprints.
        only: the parts that the run makes anew.

    Raises:
        PartsDiffer: the video is not indexed, or what the run does not make was made in another way.
    """
    if manifest is None:
        raise PartsDiffer(f"The content of {name} is not indexed yet, so nothing of it can be kept. {REMEDY}")
    if not manifest.components:
        raise PartsDiffer(f"{name} was indexed by a version of footage that noted no parts of a pipeline. {REMEDY}")
    anew = frozenset().union(*(_COMPONENTS[part] for part in only))
    names = sorted((components.keys() | manifest.components.keys()) - anew)
    differing = [part for part in names if components.get(part) != manifest.components.get(part)]
    if differing:
        options = " ".join(f"--only {part}" for part in sorted(only))
        raise PartsDiffer(
            f"{name} was indexed with other models or settings of {', '.join(differing)}, which {options} does not make"
            f" anew. {REMEDY}"
        )
