"""One collection: an engine's shard, one writer at a time."""

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from google.protobuf.timestamp_pb2 import Timestamp
from qdrant_client import grpc as proto

from tests.qdrant_server.collection_config import engine_config
from tests.qdrant_server.errors import engine_errors
from tests.qdrant_server.vectors import VectorKind, vector_kinds


class Collection:
    """What is stored of a collection and about it. Reads may run beside one another and beside a write."""

    def __init__(
        self,
        folder: Path,
        config: proto.CollectionConfig,
        index_params: Mapping[str, proto.PayloadIndexParams],
        created_at: Timestamp,
    ) -> None:
        """Open the shard in `folder`, or make one there."""
        self.folder = folder
        self.config = config
        self.kinds: dict[str, VectorKind] = vector_kinds(config.params)
        self.index_params = dict(index_params)
        self.created_at = created_at
        self._writing = threading.Lock()
        self._unflushed = False
        self._operations = 0
        with engine_errors():
            if folder.exists():
                self.shard = edge.EdgeShard.load(str(folder))
            else:
                folder.mkdir(parents=True)
                self.shard = edge.EdgeShard.create(str(folder), engine_config(config.params))

    def update(self, operation: edge.UpdateOperation) -> int:
        """Apply an operation; it is in the log on return, so a killed server keeps it. Gives the operation's number."""
        with self._writing, engine_errors():
            self.shard.update(operation)
            self._unflushed = True
            self._operations += 1
            return self._operations

    def flush(self) -> None:
        """Move what is only in the log into the segments, so that the log stays short."""
        with self._writing:
            if self._unflushed:
                self._unflushed = False
                self.shard.flush()

    def close(self) -> None:
        """Make all durable; calls that come later fail."""
        self.flush()
        with self._writing:
            self.shard.close()

    def remove(self) -> None:
        """Close it and take it from the disk."""
        with self._writing:
            self._unflushed = False
            self.shard.close()
        shutil.rmtree(self.folder)

    def info(self) -> proto.CollectionInfo:
        """What Get answers. Nothing is ever optimized, so there is nothing to wait for: green."""
        with engine_errors():
            shard = self.shard.info()
        return proto.CollectionInfo(
            status=proto.CollectionStatus.Green,
            optimizer_status=proto.OptimizerStatus(ok=True),
            segments_count=shard.segments_count,
            config=self.config,
            payload_schema={name: self._index(name, index) for name, index in shard.payload_schema.items()},
            points_count=shard.points_count,
            indexed_vectors_count=shard.indexed_vectors_count,
            update_queue=proto.UpdateQueueInfo(length=0),
            created_at=self.created_at,
        )

    def _index(self, name: str, index: Any) -> proto.PayloadSchemaInfo:
        kind = str(index.data_type).rpartition(".")[2]
        return proto.PayloadSchemaInfo(
            data_type=proto.PayloadSchemaType.Value(kind), params=self.index_params.get(name), points=index.points
        )
