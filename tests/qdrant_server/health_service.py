"""Qdrant's service `Qdrant`, which says that it is there."""

import grpc
from qdrant_client import grpc as proto

VERSION = "1.20.0"  # of the service definitions: those of qdrant-client 1.20.0


class HealthService(proto.QdrantServicer):
    """Answers always."""

    def HealthCheck(  # noqa: N802 - the protocol's name
        self, request: proto.HealthCheckRequest, context: grpc.ServicerContext
    ) -> proto.HealthCheckReply:
        return proto.HealthCheckReply(title="qdrant - test server on qdrant_edge", version=VERSION)
