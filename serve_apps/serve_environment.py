"""Variables that Ray Serve reads when it is imported: in each process of the service, its proxies among them."""

from typing import Final

FRONT_DOOR_WAIT_S: Final = 15.0
"""Longer than serve.answer_within_s: the application's own 503 says more."""
WAIT_S: Final = "FOOTAGE_FRONT_DOOR_WAIT_S"

SERVE_ENVIRONMENT: Final = {
    # Calls between processes by gRPC took half of the time that Ray's object store takes for what a search sends.
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "serve_apps.front_door.middlewares",
    "RAY_SERVE_LOG_TO_STDERR": "0",  # they are in files
    # Ray's own is 15, which the workers of a run on this machine have: nobody waits for these, somebody for a search.
    "RAY_worker_niceness": "0",
}
