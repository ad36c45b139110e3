"""How long the decoder process may take: one place for its own limits and for those of whoever waits for it."""

from typing import NamedTuple

from actors.child_channel import GRACE_S, START_LIMIT_S
from actors.scratch_room import ROOM_WAIT_S
from actors.source_check import READ_BYTES_PER_S
from footage.decoder_settings import DecoderLimits, DecoderSettings
from footage.remote_access import fetching_s
from footage.sources import is_remote

TRIES = 2  # a child that was killed gets one more; what kills two is the video
STARTS = TRIES + 1  # of a child, with no video in hand, before the decoder counts as unavailable
SPARE_MEDIA_S = 10.0  # warm-up frames, sound margins and a group of pictures before the span
TRY_START_S = STARTS * (START_LIMIT_S + GRACE_S) + GRACE_S  # starts that fail, then the end of the child that was asked


class TimeAllowed(NamedTuple):
    """Seconds that something may take: `base_s`, and `per_s` for each second of media or of reading."""

    base_s: float
    per_s: float


class RequestLimits(NamedTuple):
    """What one request to the decoder process may take before it is ended, in seconds."""

    cpu_s: float
    wall_s: float


def reading_s(size_bytes: int) -> float:
    """Seconds that reading a file once may take."""
    return size_bytes / READ_BYTES_PER_S


def fetch_limit_s(uri: str, size_bytes: int) -> float:
    """More seconds than it can take until a copy of a source is here, of itself or by another process; a file: none.

    SpanPlanner and VideoDecoder may need it on top of plan_limit() and decode_limit(), whatever media is in hand.
    """
    return ROOM_WAIT_S + fetching_s(size_bytes) if is_remote(uri) else 0.0


def media_read_s(settings: DecoderSettings, span_s: float) -> float:
    """Seconds of media that a span may have to read to decide its outer boundaries.

    By cuts that is a shot before it and two after it; by a fixed length its last piece and what may be joined to it.
    """
    if settings.segmentation == "fixed":
        return span_s + settings.segment_s + settings.min_segment_s + SPARE_MEDIA_S
    return span_s + 3 * settings.max_shot_s + SPARE_MEDIA_S


def probe_request(limits: DecoderLimits, size_bytes: int) -> RequestLimits:
    """The limits of one try of a probe, which reads the whole file."""
    return RequestLimits(limits.cpu_base_s + reading_s(size_bytes), limits.wall_base_s + reading_s(size_bytes))


def decode_request(limits: DecoderLimits, media_s: float) -> RequestLimits:
    """The limits of one try to decode a span that may have to read so many seconds of media."""
    return RequestLimits(
        limits.cpu_base_s + limits.cpu_per_media_s * media_s, limits.wall_base_s + limits.wall_per_media_s * media_s
    )


def decode_limit(settings: DecoderSettings) -> TimeAllowed:
    """More than VideoDecoder can take for a span, by the seconds of media in it: all tries and starts of a child.

    A watchdog set to this ends a worker only where the decoder's own limits have failed.
    """
    base_s = decode_request(settings.limits, media_read_s(settings, 0)).wall_s
    return TimeAllowed(TRIES * (TRY_START_S + base_s), TRIES * settings.limits.wall_per_media_s)


def plan_limit(settings: DecoderSettings) -> TimeAllowed:
    """More than SpanPlanner can take for a source, by the seconds that reading it once may take (see reading_s)."""
    base_s = probe_request(settings.limits, 0).wall_s
    return TimeAllowed(TRIES * (TRY_START_S + base_s), TRIES + 1.0)  # each try reads it, and hashing does before
