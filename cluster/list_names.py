"""What a person calls the lists of a search, on the command line and in what it shows."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it would bring numpy along, which most commands do without
    from footage.index_records import ListName


class By(StrEnum):
    """What scenes can be found by."""

    TRANSCRIPT = "transcript"  # by its meaning
    WORDS = "words"  # the very words of the transcript
    PICTURE = "picture"
    CAPTION = "caption"


LISTS: "dict[By, ListName]" = {
    By.TRANSCRIPT: "transcript",
    By.WORDS: "transcript_sparse",
    By.PICTURE: "visual",
    By.CAPTION: "caption",
}
NAMES: "dict[ListName, By]" = {list_name: by for by, list_name in LISTS.items()}
