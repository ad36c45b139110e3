"""A gRPC server with Qdrant's own service definitions and Qdrant's own engine, for tests.

The wire is the one of a Qdrant server, defined by the messages that qdrant-client brings; each collection is a shard
of qdrant_edge, Qdrant's engine in this process. One node, one shard a collection, exact searches.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import grpc
from qdrant_client import grpc as proto

from tests.qdrant_server.collections_service import CollectionsService
from tests.qdrant_server.faults import Faults
from tests.qdrant_server.health_service import HealthService
from tests.qdrant_server.interceptor import Interceptor
from tests.qdrant_server.points_service import PointsService
from tests.qdrant_server.storage import Storage

THREADS = 8  # calls at a time
STOP_S = 5  # calls under way may end


class QdrantServer:
    """Serves on 127.0.0.1 from its making until stop() or the end of the block."""

    def __init__(self, folder: Path, port: int = 0, api_key: str = "") -> None:
        """Serve what is in `folder`, which is made if it is missing.

        Args:
            folder: collections and aliases; a server that was killed is followed by one on the same folder.
            port: 0 takes a free one.
            api_key: what calls must bring, unless it is empty.

        Raises:
            BlockingIOError: another server has the folder.
            RuntimeError: the port is taken.
        """
        self.faults = Faults()
        self._storage = Storage(folder)
        self._server = grpc.server(
            ThreadPoolExecutor(THREADS, thread_name_prefix="qdrant"),
            interceptors=[Interceptor(self.faults, api_key)],
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a second server on the same port is an error, not half of the calls
            ],
        )
        proto.add_CollectionsServicer_to_server(CollectionsService(self._storage), self._server)
        proto.add_PointsServicer_to_server(PointsService(self._storage), self._server)
        proto.add_QdrantServicer_to_server(HealthService(), self._server)
        try:
            self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        except RuntimeError:
            self._storage.close()
            raise
        self._server.start()

    @property
    def url(self) -> str:
        """Where it is, with the gRPC port."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End, with everything on the disk; again is fine."""
        self.faults.let_go()
        self._server.stop(STOP_S).wait()
        self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
