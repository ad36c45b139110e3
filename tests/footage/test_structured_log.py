"""Lines of logs: whose they are, and what never stands in them."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from footage.structured_log import (
    JsonFormatter,
    LogContext,
    LogFormat,
    TextFormatter,
    is_our_line,
    log_context,
    logging_to,
    printable,
    without_secrets,
)

RUN = LogContext(run="20261122T193000-a1b2c3", job="job-1", workspace="films")
SPAN = LogContext(video="9f1c7a40-5a5f-5d55-8d3c-000000000001", source="s3://films/a b.mp4", span=0, stage="Captioner")
LOG = logging.getLogger("actors.captioner")


@pytest.fixture
def record() -> logging.LogRecord:
    made = logging.LogRecord("actors.captioner", logging.WARNING, "", 0, "%d of %s", (3, "four"), None)
    made.created = 1_800_000_000.25
    return made


def _written(tmp_path: Path, format_: LogFormat, level: str = "INFO") -> Iterator[list[str]]:
    """What the block after `next` logs."""
    path = tmp_path / f"log.{format_}"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    lines: list[str] = []
    with logging_to(descriptor, format_, level, RUN):
        yield lines
    os.close(descriptor)
    lines.extend(path.read_text().splitlines())


def test_a_json_line_is_one_object_with_its_ids(record: logging.LogRecord) -> None:
    with log_context(SPAN):
        line = JsonFormatter(RUN).format(record)
    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.250+00:00",
        "level": "WARNING",
        "logger": "actors.captioner",
        "message": "3 of four",
        "run": "20261122T193000-a1b2c3",
        "job": "job-1",
        "workspace": "films",
        "video": "9f1c7a40-5a5f-5d55-8d3c-000000000001",
        "source": "s3://films/a b.mp4",
        "span": 0,
        "stage": "Captioner",
    }


def test_what_is_not_known_is_left_out(record: logging.LogRecord) -> None:
    assert list(json.loads(JsonFormatter(LogContext()).format(record))) == ["time", "level", "logger", "message"]


def test_a_text_line_has_them_briefly(record: logging.LogRecord) -> None:
    with log_context(SPAN):
        line = TextFormatter(RUN).format(record)
    assert line == (
        "2027-01-15T08:00:00.250+00:00 WARNING actors.captioner: 3 of four"
        " [run=20261122T193000-a1b2c3 video=9f1c7a40 span=0 stage=Captioner source=a b.mp4]"
    )
    bare = TextFormatter(LogContext()).format(record)
    assert bare == "2027-01-15T08:00:00.250+00:00 WARNING actors.captioner: 3 of four"


def test_what_a_record_says_itself_counts_more_than_where_it_was_logged(record: logging.LogRecord) -> None:
    record.video, record.span, record.seconds = "another", 7, 1.5
    with log_context(SPAN):
        line = json.loads(JsonFormatter(RUN).format(record))
    assert (line["video"], line["span"], line["seconds"], line["stage"]) == ("another", 7, 1.5, "Captioner")


@pytest.mark.parametrize("format_", ["json", "text"])
def test_secrets_of_addresses_stand_nowhere(tmp_path: Path, format_: LogFormat) -> None:
    signed = "https://u:pass@cdn.example.org/a.mp4?X-Amz-Signature=topsecret&X-Amz-Expires=60"
    writing = _written(tmp_path, format_)
    lines = next(writing)
    with log_context(LogContext(source=signed)):
        LOG.warning("%s is not there", signed, extra={"error": f"GET {signed}: 404"})
        try:
            raise ConnectionError(f"Max retries exceeded with url: /a.mp4?sig=topsecret (of {signed})")
        except ConnectionError:
            LOG.exception("It failed")
    next(writing, None)
    text = "\n".join(lines)
    assert "topsecret" not in text
    assert "pass@" not in text
    assert text.count("cdn.example.org/a.mp4?…" if format_ == "text" else "cdn.example.org/a.mp4?\\u2026") >= 2


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("HTTP://h/a?token", "HTTP://h/a?…"),
        ("'https://h/a?b=c' is gone", "'https://h/a?…' is gone"),
        ("s3://bucket/what? is there=yes", "s3://bucket/what? is there=yes"),
        ("Is it there? Yes.", "Is it there? Yes."),
        ("ftp://me:word@h/a", "ftp://h/a"),
    ],
)
def test_only_what_can_be_a_secret_is_left_out(said: str, shown: str) -> None:
    assert without_secrets(said) == shown


def test_a_name_that_is_no_text_can_be_written_by_any_handler() -> None:
    assert printable(os.fsdecode(b"caf\xe9.mp4")) == "caf\\udce9.mp4"
    assert printable("café.mp4") == "café.mp4"


def test_a_line_break_or_a_bad_name_breaks_no_line(tmp_path: Path) -> None:
    writing = _written(tmp_path, "json")
    lines = next(writing)
    ours = logging.getLogger("actors")
    ours.propagate = False  # who collects lines for a report may not be able to write that name
    try:
        LOG.warning("one\ntwo\u2028three\x85four")
        LOG.warning("%s", os.fsdecode(b"caf\xe9.mp4"))
    finally:
        ours.propagate = True
    next(writing, None)
    assert [json.loads(line)["message"] for line in lines] == ["one\ntwo\u2028three\x85four", "caf\udce9.mp4"]
    assert all(is_our_line(line) for line in lines)


def test_only_the_level_that_is_set_is_written_and_only_within_the_block(tmp_path: Path) -> None:
    writing = _written(tmp_path, "text")
    lines = next(writing)
    LOG.debug("too little")
    LOG.info("enough")
    logging.getLogger("footage.lease_keeper").info("another room")
    next(writing, None)
    LOG.info("too late")
    assert [line.partition(" INFO ")[2] for line in lines] == [
        f"actors.captioner: enough [run={RUN.run}]",
        f"footage.lease_keeper: another room [run={RUN.run}]",
    ]
    assert is_our_line(lines[0])
    assert not is_our_line("Traceback (most recent call last):")
