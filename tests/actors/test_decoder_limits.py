"""The time limits of a stage lie above all that the decoder process may take within it."""

from actors.child_channel import GRACE_S, START_LIMIT_S
from actors.decoder_limits import (
    TRY_START_S,
    TimeAllowed,
    decode_limit,
    decode_request,
    fetch_limit_s,
    media_read_s,
    plan_limit,
)
from actors.scratch_room import ROOM_WAIT_S
from footage.decoder_settings import DecoderLimits, DecoderSettings

SETTINGS = DecoderSettings(
    max_shot_s=20, limits=DecoderLimits(wall_base_s=100, wall_per_media_s=7, cpu_base_s=50, cpu_per_media_s=3)
)


def test_a_span_may_take_two_tries_with_their_starts_and_the_margins_of_what_is_read():
    assert TRY_START_S == 3 * (START_LIMIT_S + GRACE_S) + GRACE_S
    assert decode_limit(SETTINGS) == TimeAllowed(2 * (TRY_START_S + 100 + 7 * (3 * 20 + 10)), 2 * 7)
    one_try = decode_request(SETTINGS.limits, media_read_s(SETTINGS, 300))
    assert one_try == (50 + 3 * 370, 100 + 7 * 370)
    allowed = decode_limit(SETTINGS)
    assert allowed.base_s + 300 * allowed.per_s == 2 * (TRY_START_S + one_try.wall_s)


def test_by_a_fixed_length_a_span_reads_on_by_a_piece_and_what_may_be_joined_to_it():
    fixed = DecoderSettings(segmentation="fixed", segment_s=40, min_segment_s=6)
    assert media_read_s(fixed, 300) == 300 + 40 + 6 + 10


def test_planning_may_read_a_file_for_its_hash_and_for_each_try_of_the_probe():
    assert plan_limit(SETTINGS) == TimeAllowed(2 * (TRY_START_S + 100), 3)


def test_fetching_a_remote_source_may_wait_for_room_and_take_a_slow_line():
    assert fetch_limit_s("file:///a.mp4", 10**9) == 0
    assert fetch_limit_s("s3://bucket/a.mp4", 10**9) == ROOM_WAIT_S + 600 + 1000
    assert fetch_limit_s("https://host/a.mp4", 0) == ROOM_WAIT_S + 600 + 10_000  # its server tells no length
