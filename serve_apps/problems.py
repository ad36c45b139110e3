"""Errors on the wire: `application/problem+json`, a status and a sentence that says what to do (RFC 9457).

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from footage.errors import (
    EncoderUnavailable,
    FootageError,
    IndexBusy,
    IndexFailed,
    IndexMismatch,
    IndexUnavailable,
    InstallationError,
    ModelUnavailable,
    NoPicture,
    NoSuchScene,
    NoSuchVideo,
    PictureTooLarge,
    SettingsError,
    StoreError,
    StoreUnavailable,
    UnreadablePicture,
)
from serve_apps.api_types import Problem
from serve_apps.problem_types import PROBLEMS_PATH, RETRY_AFTER_S
from serve_apps.service_log import log

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """What a status means in this API."""

    title: str
    meaning: str


KINDS = {
    400: Kind("Bad request", "The request cannot be understood or is not possible as it stands; `detail` says why."),
    401: Kind("Unauthorized", "There is no key, or it is unknown, expired or revoked; or a signed address is too old."),
    403: Kind("Forbidden", "The key is good, but its role, or the place of the request, does not allow this."),
    404: Kind("Not found", "Nothing of this name is in the key's workspace."),
    405: Kind("Method not allowed", "The route exists, but not with this method; `Allow` names those that it has."),
    409: Kind("Conflict", "Something is in another state than the request needs; such as a file that changed."),
    410: Kind("Gone", "It was there and is not any more: the file of an indexed video, for one."),
    413: Kind("Content too large", "The body or the picture is above the limit that `detail` names."),
    415: Kind("Wrong type", "What was sent is not of a kind that can be read: a picture is JPEG, PNG or WebP."),
    416: Kind("Range not satisfiable", "The range that is asked for lies behind the end of the file."),
    422: Kind("Wrong parameters", "A parameter is unknown, missing or has a value that it cannot have."),
    429: Kind("Too many requests", "The key has used up its requests for now; `Retry-After` says how long to wait."),
    500: Kind("Internal error", "A fault of the service. Its log has the `instance` of the answer, and the reason."),
    503: Kind("Not available now", "A part of the service does not answer; ask again after `Retry-After` seconds."),
}


class HttpProblem(HTTPException):
    """An answer that is a problem. What FastAPI raises itself is handled in the same way."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.title = title


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> HttpProblem:
    """A problem with the usual title of its status."""
    return HttpProblem(status, KINDS[status].title, detail, headers)


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its OpenAPI description."""
    return {status: _declaration(status) for status in sorted({*statuses, 422, 500})}


def _declaration(status: int) -> dict[str, Any]:
    example = {
        "type": _type(status),
        "title": KINDS[status].title,
        "status": status,
        "detail": KINDS[status].meaning,
        "instance": "urn:uuid:6f1c6a52-54c5-4b6f-9f0e-0f3c5b6f6a52",
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": f"{KINDS[status].title}. {KINDS[status].meaning}", "content": {MEDIA_TYPE: content}}


def answer(
    status: int, title: str, detail: str, instance: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response to send."""
    content = Problem(type=_type(status), title=title, status=status, detail=detail, instance=instance)
    return JSONResponse(content.model_dump(), status, dict(headers or {}), media_type=MEDIA_TYPE)


def instance_of(scope: Mapping[str, Any]) -> str:
    """The name of a request, which is in its answer and in the log; see observing.Observed."""
    named: str = scope.get("state", {}).get("instance", "")
    return named


def install_handlers(app: FastAPI) -> None:
    """Make the errors of an app problems.

    Any other exception is a fault, which RequestGuard answers: a handler for it would stand around all middleware, and
    its answer have none of their headers.
    """
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_parameters)
    app.add_exception_handler(FootageError, _footage_error)


def _type(status: int) -> str:
    return f"{PROBLEMS_PATH}#{status}"


def problem_response(error: HTTPException, request: Request) -> JSONResponse:
    """What a request is answered that ended in this error: for middleware, which no handler stands around."""
    usual = KINDS.get(error.status_code, Kind("Error", ""))
    title = error.title if isinstance(error, HttpProblem) else usual.title
    detail = error.detail if isinstance(error, HttpProblem) else _detail(request, error, usual)
    return answer(error.status_code, title, detail, instance_of(request.scope), error.headers)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem_response(error, request)


def _detail(request: Request, error: HTTPException, usual: Kind) -> str:
    if error.status_code == 404:
        return f"There is no {request.url.path} here; /docs lists what there is."
    if error.status_code == 405:
        return f"{request.url.path} does not take {request.method}; /docs lists what there is."
    return f"{error.detail or usual.meaning}"


def _wrong_parameters(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(422, KINDS[422].title, sentences(error.errors()), instance_of(request.scope))


def sentences(errors: Iterable[Mapping[str, Any]]) -> str:
    """What pydantic found wrong, a sentence for each parameter."""
    return " ".join(_sentence(each) for each in errors)


def _sentence(error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error["loc"] if part not in ("query", "body", "path")]
    name = ".".join(place)
    if error["type"] == "extra_forbidden":
        return f"There is no parameter {name!r}; /docs lists those of this route."
    if error["type"] == "missing":
        return f"The parameter {name!r} is missing."
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{name}: {message}." if name else f"{message}."


def _footage_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FootageError)
    instance = instance_of(request.scope)
    for kind, status in STATUSES.items():
        if isinstance(error, kind) and not isinstance(error, InstallationError):
            return answer(status, KINDS[status].title, str(error), instance)
    for kind, part in OUTAGES.items():
        if isinstance(error, kind):
            log.error("%s %s: %s", instance, type(error).__name__, error)
            # The sentence of the error is for who runs the service: it names folders, hosts and processes.
            detail = f"{part} does not answer now; ask again in a moment."
            return answer(503, KINDS[503].title, detail, instance, {"Retry-After": str(RETRY_AFTER_S)})
    return fault(request.scope, error)


def fault(scope: Mapping[str, Any], error: Exception) -> JSONResponse:
    """What a request is answered on which the service failed. The log gets the reason, and the answer none of it."""
    instance = instance_of(scope)
    log.error("%s %s: %s", instance, type(error).__name__, error)
    return answer(500, KINDS[500].title, _FAULT, instance)


_FAULT = "The service failed on this request. Tell who runs it, with the `instance` of this answer."
# The first that fits counts, here and below.
STATUSES: dict[type[FootageError], int] = {
    SettingsError: 400,
    NoSuchScene: 404,
    NoSuchVideo: 404,
    NoPicture: 415,
    PictureTooLarge: 413,
    UnreadablePicture: 400,
}
OUTAGES: dict[type[FootageError], str] = {
    IndexBusy: "The index",
    IndexFailed: "The index",
    IndexMismatch: "The index",
    IndexUnavailable: "The index",
    EncoderUnavailable: "The encoder of queries",
    ModelUnavailable: "The encoder of queries",
    StoreUnavailable: "The object store",
    StoreError: "The object store",
}
