"""The parts of an indexed video that can be made anew by themselves."""

from enum import StrEnum


class Part(StrEnum):
    """What `footage index --only` names."""

    SPEECH = "speech"  # transcripts, and their vectors
    FRAMES = "frames"  # vectors of pictures, and tags
    CAPTIONS = "captions"  # captions, and their vectors
