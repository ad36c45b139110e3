"""Which lists of a search come from toy models."""

from footage.index_records import ListName
from footage.settings import Settings


def toy_lists(settings: Settings) -> frozenset[ListName]:
    """The lists of a search whose vectors, or the texts that they are of, a toy model made."""
    toys: set[ListName] = set()
    if settings.text.toy:
        toys |= {"transcript", "transcript_sparse", "caption"}
    if settings.frames.toy:
        toys |= {"visual", "image"}
    if settings.captions.adapter != "off" and settings.captions.toy:
        toys.add("caption")
    return frozenset(toys)
