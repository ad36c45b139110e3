import pytest

from footage import errors
from footage.quarantine import may_retry, next_step, quarantine_record, was_tried
from footage.sidecar import StoredSource
from pipelines.reconcile import STAGE_FAILED

CODES = sorted({kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")})


@pytest.mark.parametrize("code", [*CODES, STAGE_FAILED])
def test_every_kind_of_failure_has_a_step_of_its_own(code: str) -> None:
    step = next_step(code)
    assert step.endswith(".")
    assert code == "video_error" or step != next_step("video_error")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("truncated_video", "Copy the file again"),
        ("unsupported_container", "convert it to MP4 or Matroska"),
        ("undecodable_video", "If it is whole: convert it (to H.264 in MP4, for example)"),
        ("video_too_large", "raise the limit that the reason names"),
        ("decoder_out_of_memory", "raise decoder.limits.address_space_mib"),
        ("source_changed", "Wait until it is written to no more"),
        ("no_video_stream", "Leave it out"),
        ("of a later version", "mend the file, then `footage retry`."),
    ],
)
def test_the_step_says_what_to_do(code: str, says: str) -> None:
    assert says in next_step(code)


def test_work_that_fails_each_time_is_left_out_in_the_end() -> None:
    left_out = "After 5 tries `footage retry` leaves it out, unless it is named"
    assert left_out not in next_step("worker_lost", attempts=4, max_attempts=5)
    assert left_out in next_step("worker_lost", attempts=5, max_attempts=5)
    source = StoredSource(uri="file:///x", etag="e", size_bytes=1)
    record = quarantine_record("run-1", "studio", source, None, None, "empty_source", "It is empty.", "f", None)
    assert record.next_step == next_step("empty_source")
    assert was_tried(record)
    tried = [may_retry(record.model_copy(update={"attempts": attempts}), max_attempts=5) for attempts in (1, 4, 5, 9)]
    assert tried == [True, True, False, False]


def test_what_only_refuses_may_be_tried_again_however_often_it_was_refused() -> None:
    assert "leaves it out" not in next_step("parts_differ", attempts=9, max_attempts=5)
    source = StoredSource(uri="file:///x", etag="e", size_bytes=1)
    record = quarantine_record("run-1", "studio", source, "v1", None, "parts_differ", "It differs.", "f", None)
    assert not was_tried(record)
    assert may_retry(record.model_copy(update={"attempts": 9}), max_attempts=5)
