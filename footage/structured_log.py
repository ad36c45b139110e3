"""Logs whose lines say whose they are: run, job, workspace, video, source, span and stage, where these are known.

As JSON a line is one object, for a collector of logs; as text it is for people, with the ids in brackets at its end.
"""

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal

from footage.timestamps import stamp

LogFormat = Literal["text", "json"]
OUR_LOGGERS = ("actors", "cluster", "footage", "pipelines", "serve_apps")
SHOWN_DIGITS = 8  # of a video's id, in text

# The query of a signed address is a key, and so is what stands before an @. A path alone, as connection errors have it,
# is one too if its query has parameters.
_USER = re.compile(r"(?<=://)[^/\s@'\"]+@")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]*)\?[^\s'\"<>]*", re.IGNORECASE)
_PARAMETERS = re.compile(r"(?<=[^\s?])\?[\w%.~-]+=[^\s'\"<>)]*")

_OUR_LINE = re.compile(r'(\{"time": ")?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')


@dataclass(frozen=True)
class LogContext:
    """What a line is about; what is empty, or None, is left out."""

    run: str = ""
    job: str = ""
    workspace: str = ""
    video: str = ""
    source: str = ""
    span: int | None = None
    stage: str = ""


_CONTEXT_FIELDS = tuple(field.name for field in fields(LogContext))
_MORE_FIELDS = ("seconds", "error", "code")  # that a line may have, given as `extra`
_CONTEXT: ContextVar[LogContext | None] = ContextVar("log_context", default=None)


@contextlib.contextmanager
def log_context(context: LogContext) -> Iterator[None]:
    """Name what the lines of this block are about, in this thread."""
    token = _CONTEXT.set(context)
    try:
        yield
    finally:
        _CONTEXT.reset(token)


@contextlib.contextmanager
def logging_to(descriptor: int, format_: LogFormat, level: str, base: LogContext) -> Iterator[None]:
    """Write the lines of all our loggers to a file descriptor while the block lasts.

    Args:
        descriptor: such as 2, wherever that leads at the time; it stays open.
        format_: of the lines.
        level: the least that is written.
        base: what all lines of the process are about.
    """
    formatter = JsonFormatter(base) if format_ == "json" else TextFormatter(base)
    stream = open(  # noqa: SIM115  # closed with the block; it flushes each line
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    loggers = [logging.getLogger(name) for name in OUR_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, before in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(before)
        handler.close()
        stream.close()


class JsonFormatter(logging.Formatter):
    """One JSON object a line; it never holds a line break, whatever is said in it."""

    def __init__(self, base: LogContext) -> None:
        super().__init__()
        self._base = base

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = line_of(record, self._base)
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """Time, level, logger, message, and in brackets what the line is about."""

    def __init__(self, base: LogContext) -> None:
        super().__init__("%(time)s %(levelname)s %(name)s: %(clean)s%(about)s")
        self._base = base

    def format(self, record: logging.LogRecord) -> str:
        """The line, or several where there is a traceback."""
        line = line_of(record, self._base)
        about = {
            "run": line.get("run"),
            "video": line.get("video", "")[:SHOWN_DIGITS],
            "span": line.get("span"),
            "stage": line.get("stage"),
            "source": line.get("source", "").rstrip("/").rpartition("/")[2],
        }
        told = " ".join(f"{name}={value}" for name, value in about.items() if value not in (None, ""))
        record.time, record.clean, record.about = line["time"], line["message"], f" [{told}]" if told else ""
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging calls it so
        """The traceback."""
        return without_secrets(super().formatException(ei))


def printable(text: str) -> str:
    """A text as any handler can write it: a file's name may have bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def line_of(record: logging.LogRecord, base: LogContext) -> dict[str, Any]:
    """What a line says, by name.

    Args:
        record: its own attributes count more than where it was logged.
        base: what all lines of the process are about.
    """
    context = asdict(_over(base, _CONTEXT.get()))
    line: dict[str, Any] = {
        "time": stamp(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    for name in (*_CONTEXT_FIELDS, *_MORE_FIELDS):
        own = getattr(record, name, None)
        value = context.get(name) if own in (None, "") else own
        if value not in (None, ""):
            line[name] = value
    return {name: without_secrets(value) if isinstance(value, str) else value for name, value in line.items()}


def _over(base: LogContext, context: LogContext | None) -> LogContext:
    if context is None:
        return base
    return replace(base, **{name: value for name, value in asdict(context).items() if value not in (None, "")})


def without_secrets(text: str) -> str:
    """A text for others to read: addresses in it lose their query, user name and password."""
    return _PARAMETERS.sub("?…", _QUERY.sub(r"\1?…", _USER.sub("", text)))


def is_our_line(line: str) -> bool:
    """Whether a line of a log was written by one of the formatters here, and so says whose it is."""
    return _OUR_LINE.match(line) is not None
