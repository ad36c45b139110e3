"""What a person calls the lists of a search: in options, in addresses and in what is shown."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it would bring numpy along, which most commands do without
    from footage.index_records import ListName


class By(StrEnum):
    """What scenes can be found by."""

    TRANSCRIPT = "transcript"  # by its meaning
    WORDS = "words"  # the very words of the transcript
    PICTURE = "picture"  # whether words or a picture are looked for
    CAPTION = "caption"


LISTS: "dict[By, tuple[ListName, ...]]" = {
    By.TRANSCRIPT: ("transcript",),
    By.WORDS: ("transcript_sparse",),
    By.PICTURE: ("visual", "image"),
    By.CAPTION: ("caption",),
}
# In what is shown, the two ways to find by a picture have names of their own.
NAMES: "dict[ListName, str]" = {
    "transcript": "transcript",
    "transcript_sparse": "words",
    "visual": "picture",  # looks like what the words say
    "image": "look-alike",  # looks like the picture that was given
    "caption": "caption",
}
KINDS: "dict[ListName, By]" = {name: by for by, names in LISTS.items() for name in names}


def lists_of(kinds: Iterable[By]) -> "list[ListName]":
    """The lists of these kinds, for a request."""
    return [name for kind in kinds for name in LISTS[kind]]
