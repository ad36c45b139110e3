"""Failures as Qdrant tells them over gRPC: a status and a message."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message


class CallFailed(Exception):
    """A call that is answered with an error instead of a result."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def wrong(message: str) -> CallFailed:
    """The request cannot be carried out as it is."""
    return CallFailed(grpc.StatusCode.INVALID_ARGUMENT, f"Wrong input: {message}")


def missing(message: str) -> CallFailed:
    """What the request names is not there."""
    return CallFailed(grpc.StatusCode.NOT_FOUND, f"Not found: {message}")


def existing(name: str) -> CallFailed:
    """The name is taken by a collection."""
    return CallFailed(grpc.StatusCode.ALREADY_EXISTS, f"Wrong input: Collection `{name}` already exists!")


def unknown(what: str) -> CallFailed:
    """A part of Qdrant's interface that this server lacks: never passed over in silence."""
    return CallFailed(grpc.StatusCode.UNIMPLEMENTED, f"This test server does not implement {what}.")


def only(message: Message, *known: str) -> None:
    """Let a message pass whose fields, as far as they are set, are all known here.

    Raises:
        CallFailed: UNIMPLEMENTED, with the names of the others.
    """
    others = [field.name for field, _ in message.ListFields() if field.name not in known]
    if others:
        raise unknown(f"{', '.join(others)} of {message.DESCRIPTOR.name}")


# How the engine's messages begin, and what a Qdrant server makes of them.
_WRONG = (
    "Vector dimension error",
    "Not existing vector name error",
    "Wrong usage of",
    "No appropriate index",
    "No range index",
)


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn what the engine raises into the answers of a server."""
    try:
        yield
    except CallFailed:
        raise
    except Exception as error:  # what qdrant_edge raises is of this very class; its text tells the kinds apart
        raise _translated(str(error)) from error


def _translated(message: str) -> CallFailed:
    if message.startswith("No point with id"):
        return missing(f"{message} found")
    if message.endswith("Shard is not initialized"):
        return missing("the collection was deleted during the call")
    if message.startswith(_WRONG):
        return wrong(message)
    if message.startswith("Validation failed"):
        return CallFailed(grpc.StatusCode.INVALID_ARGUMENT, message)
    return CallFailed(grpc.StatusCode.INTERNAL, f"Service internal error: {message}")


def answering(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
    """A method of a service from one that takes the request alone and raises CallFailed."""

    @wraps(method)
    def answer(service: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(service, request)
        except CallFailed as error:
            _abort(context, error)

    return answer


def _abort(context: grpc.ServicerContext, error: CallFailed) -> NoReturn:
    context.abort(error.code, str(error))
    raise AssertionError("abort() raises")
