"""The service in a Ray of its own on this machine, from its start to its end."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.query_models import query_models
from footage.api_keys import KeyBook
from footage.errors import FootageError, SettingsError
from footage.index_address import index_address, spec_there
from footage.index_spec import check_same
from footage.settings import Settings
from footage.storage import ObjectStore
from pipelines.ray_session import output_to, ray_session
from serve_apps.open_mode import is_loopback
from serve_apps.serve_environment import SERVE_ENVIRONMENT, WAIT_S

_END_WITHIN_S = 10.0
_KIND = re.compile(r"^[\w.]+: ")  # of an error, at the end of a traceback


@dataclass(frozen=True, slots=True)
class Service:
    """What is served, and where."""

    store: str
    index: str | None
    host: str
    port: int
    open_workspace: str | None  # None: keys are needed
    logs: Path | None
    verbose: bool

    @property
    def url(self) -> str:
        """Where people find it."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"


def open_workspace(store: ObjectStore, host: str, workspace: str, asked: bool) -> str | None:
    """The workspace that needs no key, or None where keys are needed.

    Args:
        store: with the keys.
        host: that the service listens on.
        workspace: that would be open.
        asked: whether it was asked for, although the store has keys.

    Raises:
        SettingsError: the service listens to other machines, and there is no key, or none is to be needed.
    """
    loopback = is_loopback(f"[{host}]" if ":" in host else host)
    if asked and not loopback:
        raise SettingsError(
            f"--open needs no key, and --host {host} lets other machines in. Leave out one of the two:"
            " --host 127.0.0.1 is this machine alone."
        )
    if asked:
        return workspace
    if not KeyBook(store).is_empty():
        return None
    if not loopback:
        raise SettingsError(
            f"--host {host} lets other machines in, and the store has no keys yet. Make one with `footage keys create`,"
            " or listen on --host 127.0.0.1."
        )
    return workspace


def serve_until_signalled(service: Service, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; prints one line with the address as soon as searches are answered.

    Raises:
        SettingsError: the port is taken, or a setting is wrong.
        IndexMismatch, ModelMissing: the index is of other models, or these are not on this machine.
        FootageError: it cannot start; the message says why.
    """
    _check_port(service)
    address = index_address(service.store, service.index)
    stored = spec_there(address, settings.qdrant)
    check_same(stored, query_models(settings).index_spec(), f"The index {address}", "another store")
    logs = service.logs.absolute() if service.logs else None
    if logs is not None:
        logs.mkdir(parents=True, exist_ok=True)
    os.environ.update(SERVE_ENVIRONMENT)
    os.environ[WAIT_S] = str(1.5 * settings.serve.answer_within_s)
    # Ray and Serve print on both outputs, from C++ too; ours has the address alone.
    log = Path(os.devnull) if logs is None else logs / "footage-serve.log"
    quiet = contextlib.nullcontext(sys.stderr) if service.verbose else output_to(log)
    with os.fdopen(os.dup(1), "w", buffering=1) as out, quiet as console:
        console.write("Starting the search service: about half a minute ...\n")
        with (
            ray_session(settings.pipeline, verbose=service.verbose),
            _running(service, settings, logs),
            _signals() as ended,
        ):
            out.write(f"{service.url}\n")
            console.write(f"Open that address in a browser. {_who_may(service)} Ctrl-C ends it.\n")
            ended.wait()


def _who_may(service: Service) -> str:
    if service.open_workspace is None:
        return "Every request needs a key (footage keys)."
    return f"Everybody on this machine may search and change workspace {service.open_workspace}."


@contextlib.contextmanager
def _running(service: Service, settings: Settings, logs: Path | None) -> Iterator[None]:
    from ray import serve
    from ray.serve.schema import LoggingConfig

    from serve_apps.search_app import APP_NAME, SearchAppArgs, build_app

    logging_config = LoggingConfig(
        encoding="JSON" if settings.logs.format == "json" else "TEXT",
        log_level=settings.logs.level,
        logs_dir=str(logs) if logs else None,
        enable_access_log=False,
    )
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": service.host, "port": service.port},
        logging_config=logging_config,
    )
    try:
        args = SearchAppArgs(
            store=service.store, index=service.index, profile=settings.profile, workspace=service.open_workspace
        )
        try:
            serve.run(build_app(args), name=APP_NAME, logging_config=logging_config)
        except RuntimeError as error:
            raise FootageError(_reason(serve.status().applications[APP_NAME].deployments)) from error
        yield
    finally:
        # What was begun is answered, until the time is over; a signal to the whole group may have ended Serve first.
        with contextlib.suppress(TimeoutError):
            asyncio.run(asyncio.wait_for(serve.shutdown_async(), _END_WITHIN_S))


def _reason(deployments: dict[str, Any]) -> str:
    """Why a part of the service did not start, by the end of its traceback."""
    for name, deployment in deployments.items():
        lines = [line for line in deployment.message.splitlines() if line.strip()]
        if deployment.status in ("DEPLOY_FAILED", "UNHEALTHY") and lines:
            return f"The service did not start, since its part {name} did not: {_KIND.sub('', lines[-1].strip())}"
    return "The service did not start; see its logs with --logs FOLDER, or --verbose."


def _check_port(service: Service) -> None:
    """Say so now, and not after half a minute in a log of Ray's."""
    try:
        found = socket.getaddrinfo(service.host or None, service.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(
            f"Nothing can listen on {service.host}:{service.port} ({error.strerror or error}): choose another --port or"
            " --host."
        ) from error


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM, in the main thread; Ray's handler for the latter would end this process at once."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
