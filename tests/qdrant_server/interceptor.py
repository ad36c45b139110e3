"""What stands before every call: the key, the counts, the faults."""

import hmac
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc

from tests.qdrant_server.faults import Fault, Faults

_OPEN = frozenset({"/qdrant.Qdrant/HealthCheck"})  # as a Qdrant server has it: health needs no key

NOT_SENT = "the connection was cut"  # over that connection, so that no client reads it
_NO_KEY = "Must provide an API key or an Authorization bearer token"


class Interceptor(grpc.ServerInterceptor):
    """Wraps the handler of each call."""

    def __init__(self, faults: Faults, api_key: str) -> None:
        self._faults = faults
        self._api_key = api_key

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        handler = continuation(details)
        if handler is None:  # a service that is not served
            return None
        method = details.method.rpartition(".")[2]
        allowed = details.method in _OPEN or self._is_known(dict(details.invocation_metadata))

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            if not allowed:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, _NO_KEY)
            return self._answer(self._faults.take(method), lambda: handler.unary_unary(request, context), context)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)

    def _answer(self, fault: Fault, call: Callable[[], Any], context: grpc.ServicerContext) -> Any:
        answer = call() if fault.applied else None
        self._faults.wait(fault.delay_s)
        if fault.drop:
            drop_connection(context.peer())
            context.abort(grpc.StatusCode.UNAVAILABLE, NOT_SENT)
        if fault.retry_after_s is not None:
            context.set_trailing_metadata((("retry-after", str(fault.retry_after_s)),))
        if fault.status:
            context.abort(grpc.StatusCode[fault.status], fault.message)
        return answer if fault.applied else call()

    def _is_known(self, metadata: dict[str, str]) -> bool:
        given = metadata.get("api-key") or metadata.get("authorization", "").removeprefix("Bearer ")
        return not self._api_key or hmac.compare_digest(given.encode(), self._api_key.encode())


def drop_connection(peer: str) -> None:
    """Cut the connection of this process with `peer`, such as `ipv4:127.0.0.1:40000`, as a lost network would.

    grpc gives no way to its sockets, so the process's own open files are searched for it.
    """
    port = int(peer.rpartition(":")[2])
    for number in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # not connected, or closed meanwhile
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                _cut(os.dup(number), port)


def _cut(number: int, port: int) -> None:
    with socket.socket(fileno=number) as found:
        if found.getpeername()[1:2] == (port,):
            found.shutdown(socket.SHUT_RDWR)
