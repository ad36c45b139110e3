"""Which of a file's sound tracks is heard: the one in the language asked for, else the one that players take."""

from collections.abc import Iterable, Sequence
from itertools import islice

import av
from av.stream import Disposition

from actors.language_codes import language_of

MAX_PACKETS = 2000  # read from the file's start to see whether a track decodes: as span_start reads at a place
MAX_REFUSED = 8  # packets; a decoder may refuse the first ones of a recording that begins in the middle
# tracks that speak about the film, or describe it to the blind, are not what is said in it
BESIDES = Disposition.comment | Disposition.visual_impaired | Disposition.descriptions


def by_preference(tracks: Iterable[av.AudioStream], language: str | None) -> list[av.AudioStream]:
    """The tracks that have a decoder, best first.

    Those in `language` (any tag that language_codes knows) come first; among them, or without any, the container's
    default tracks before others, commentaries last, then the order of the file.
    """
    wanted = language_of(language)
    return sorted(
        (track for track in tracks if track.codec_context is not None),
        key=lambda track: (
            wanted is None or language_of(track.language) != wanted,
            not track.disposition & Disposition.default,
            bool(track.disposition & BESIDES),
            track.index,
        ),
    )


def first_that_decodes(packets: Iterable[av.Packet], indexes: Sequence[int]) -> int:
    """The first of these tracks (stream indexes, best first) that gives sound; the first of all where none does.

    `packets` are those of these tracks and of the pictures, from the file's start, of a container of its own. In nearly
    every file the first packet of the first track settles it. A track without a packet among the first MAX_PACKETS is
    trusted, it may begin late; one without any is not.
    """
    refused = dict.fromkeys(indexes, 0)
    heard: set[int] = set()
    trusted = list(indexes)
    for packet in islice(packets, MAX_PACKETS):
        if packet.size == 0 and packet.dts is None:  # the end: it flushes a codec
            trusted = [index for index in trusted if index in heard]
            break
        index = packet.stream.index
        if index in refused and index not in heard:
            gives_sound = _gives_sound(packet)
            refused[index] += gives_sound is None
            heard |= {index} if gives_sound else set()
            trusted = [index for index in trusted if refused[index] < MAX_REFUSED]
        if not trusted or trusted[0] in heard:
            break
    return trusted[0] if trusted else indexes[0]


def _gives_sound(packet: av.Packet) -> bool | None:
    """Whether samples come of a packet; None where its decoder refuses it."""
    try:
        return bool(packet.decode())
    except MemoryError:
        raise
    except av.error.FFmpegError:
        return None


def track_words(tracks: Sequence[av.AudioStream], chosen: av.AudioStream | None) -> str:
    """How to tell which of several tracks is heard ("track 2 of 3 (ger)"); empty where there is no choice."""
    if chosen is None or len(tracks) < 2:
        return ""
    return f"track {tracks.index(chosen) + 1} of {len(tracks)} ({chosen.language or 'no language'})"
