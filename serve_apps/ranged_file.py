"""A file as an answer: whole, or the ranges of it that are asked for (RFC 9110, section 14)."""

import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from serve_apps.problems import problem, problem_response

_RANGES = re.compile(r"bytes=\s*(?:\d+-\d*|-\d+)(?:\s*,\s*(?:\d+-\d*|-\d+))*\s*", re.IGNORECASE | re.ASCII)
_MOST_DIGITS = 18  # of an offset; more is no file's, and Python refuses to read thousands


class RangedFile(FileResponse):
    """Starlette's file response, whose refusals are problems. A header that makes no sense is as if it were not there,
    as the standard has it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the part of it."""
        headers = Headers(scope=scope)
        assert self.stat_result is not None
        size = self.stat_result.st_size
        asked = headers.get("range")
        if asked is not None and not _makes_sense(asked):
            scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"range"]}
        elif asked is not None and "if-range" not in headers and not _is_within(asked, size):
            refusal = problem(
                416, f"The range {asked} lies behind the end: {size} bytes.", {"Content-Range": f"bytes */{size}"}
            )
            await problem_response(refusal, Request(scope))(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def _makes_sense(asked: str) -> bool:
    if not _RANGES.fullmatch(asked) or any(len(digits) > _MOST_DIGITS for digits in re.findall(r"\d+", asked)):
        return False
    return all(not (first and last) or int(first) <= int(last) for first, last in _pairs(asked))


def _is_within(asked: str, size: int) -> bool:
    return all(int(first) < size if first else int(last) > 0 and size > 0 for first, last in _pairs(asked))


def _pairs(asked: str) -> list[tuple[str, str]]:
    return re.findall(r"(\d*)-(\d*)", asked.partition("=")[2])
