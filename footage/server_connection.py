"""The way to a Qdrant server: gRPC, requests sent again while it is away, and failures that say what to do."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit

from footage.backoff import pause_s
from footage.errors import IndexUnavailable, SettingsError, StoreError
from footage.storage_settings import QdrantSettings
from footage.transfers import TRANSFERS

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

Answer = TypeVar("Answer")
LOG = logging.getLogger(__name__)

# Pauses grow from 0.2 s, as a leader election takes, to 10 s, so that a server that is back is soon noticed.
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
LONGEST_WANTED_PAUSE_S = 60.0  # rate limits of Qdrant are per minute
SAID_CHARS = 300
RETRIED = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED")
REFUSED_KEY = ("UNAUTHENTICATED", "PERMISSION_DENIED")
OLDEST = (1, 19)  # rarity within a workspace (IDF corpus); older servers would pass over it in silence


class ServerRefusal(StoreError):
    """The server answered, and it was no. `code` is the name of gRPC's status."""

    def __init__(self, message: str, code: str, said: str) -> None:
        super().__init__(message)
        self.code = code
        self.said = said

    def __reduce__(self) -> tuple[Any, ...]:
        return ServerRefusal, (str(self), self.code, self.said)


class ServerConnection:
    """One client for each process that uses it, made when it is needed; threads share it. It can be pickled."""

    def __init__(self, url: str, settings: QdrantSettings) -> None:
        """Connect to nothing yet.

        Args:
            url: `http(s)://host:port` of the gRPC interface.
            settings: key, times.
        """
        self.url = url
        self.settings = settings
        self._making = threading.Lock()
        self._client: QdrantClient | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[str, QdrantSettings]]:
        """The other process makes a client of its own."""
        return type(self), (self.url, self.settings)

    def call(self, ask: Callable[["QdrantClient"], Answer]) -> Answer:
        """What `ask` makes the server answer. It may be called again, so its request must be one that can repeat.

        Raises:
            IndexUnavailable: no answer for `patience_s`.
            SettingsError: the server refuses the key.
            StoreError: nothing is indexed there, or anything else that the server refuses (ServerRefusal).
        """
        import grpc
        from qdrant_client.common.client_exceptions import ResourceExhaustedResponse

        began = time.monotonic()
        number = 0
        while True:
            try:
                return ask(self._connected())
            except ResourceExhaustedResponse as error:
                trouble = _Trouble("RESOURCE_EXHAUSTED", str(error), float(error.retry_after_s))
            except grpc.RpcError as error:
                trouble = _Trouble(error.code().name, error.details() or "")
            if trouble.code not in RETRIED:
                raise self._refusal(trouble)
            wanted_s = min(trouble.wanted_pause_s, LONGEST_WANTED_PAUSE_S)
            wait_s = pause_s(number + 1, FIRST_PAUSE_S, LONGEST_PAUSE_S, wanted_s=wanted_s)
            if time.monotonic() + wait_s > began + self.settings.patience_s:
                raise IndexUnavailable(
                    f"The Qdrant server {self.url} did not answer for {time.monotonic() - began:.0f} s"
                    f" ({trouble.told()}). See that it runs and that this is its gRPC port (6334 by default), then try"
                    " again: what is done stays. A longer qdrant.patience_s waits longer."
                )
            if number == 0:
                LOG.warning("The Qdrant server %s does not answer (%s): trying again.", self.url, trouble.told())
            TRANSFERS.add(retries=1)
            number += 1
            time.sleep(wait_s)

    def check_version(self) -> None:
        """Let a server pass that does all that footage asks for.

        Raises:
            StoreError: it is older; as in `call`.
        """
        version = self.call(lambda client: client.info()).version
        numbers = version.split("-")[0].split(".")
        if tuple(int(number) for number in numbers[:2]) < OLDEST:
            raise StoreError(
                f"The Qdrant server {self.url} has version {version}; footage needs {OLDEST[0]}.{OLDEST[1]} or later:"
                " update it."
            )

    def close(self) -> None:
        """Give the connection back; the next call makes another."""
        with self._making:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> "QdrantClient":
        with self._making:
            if self._client is None:
                self._client = self._made()
            return self._client

    def _made(self) -> "QdrantClient":
        from qdrant_client import QdrantClient

        parts = urlsplit(self.url)
        key = self.settings.api_key.get_secret_value()
        client = QdrantClient(
            host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
            grpc_port=parts.port or 6334,
            https=parts.scheme == "https",
            # As `api_key` it would be the same header, and a warning in each process of a cluster that uses http.
            headers={"api-key": key} if key else {},
            prefer_grpc=True,
            check_compatibility=False,  # it asks by REST, which may be closed; see check_version
            timeout=math.ceil(self.settings.timeout_s),
            # gRPC's own pause before it connects again grows to 2 minutes, longer than our patience.
            grpc_options={"grpc.initial_reconnect_backoff_ms": 200, "grpc.max_reconnect_backoff_ms": 5000},
        )
        _ = client.grpc_points, client.grpc_collections  # made here, as their own making is not for many threads
        return client

    def _refusal(self, trouble: "_Trouble") -> Exception:
        if trouble.code in REFUSED_KEY:
            return SettingsError(
                f"The Qdrant server {self.url} refuses the key ({trouble.told()}): set qdrant.api_key"
                " (FOOTAGE_QDRANT__API_KEY) to one that it accepts."
            )
        if trouble.code == "NOT_FOUND":
            message = nothing_indexed(self.url, self.settings)
        elif trouble.code == "UNIMPLEMENTED":
            message = (
                f"The server {self.url} is no Qdrant of version {OLDEST[0]}.{OLDEST[1]} or later ({trouble.told()})."
            )
        else:
            message = f"The Qdrant server {self.url} refused a request ({trouble.told()}); its log may say more."
        return ServerRefusal(message, trouble.code, trouble.said)


def nothing_indexed(url: str, settings: QdrantSettings) -> str:
    """What is said where collections are not there."""
    return f"Nothing is indexed at {url} in {settings.collection!r} yet: run `footage index` first."


class _Trouble(NamedTuple):
    """Why a request was not answered."""

    code: str
    said: str
    wanted_pause_s: float = 0.0

    def told(self) -> str:
        said = " ".join(self.said.split())[:SAID_CHARS]
        return f"{self.code}: {said}" if said else self.code
