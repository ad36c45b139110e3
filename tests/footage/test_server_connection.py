"""A server that is away, busy, old, or refuses: what footage does, and what it says."""

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from qdrant_client import grpc as proto

from footage.errors import IndexUnavailable, SettingsError, StoreError
from footage.server_connection import ServerConnection, ServerRefusal
from footage.server_index import ServerIndex
from footage.storage_settings import QdrantSettings
from footage.transfers import TRANSFERS
from tests.points import ALL, LIVE, SPEC, drop_collections, ids, names, scene, seen, server_settings, write
from tests.qdrant_server.faults import Fault
from tests.qdrant_server.server import QdrantServer


@pytest.fixture
def index(qdrant: QdrantServer, tmp_path: Path) -> Iterator[ServerIndex]:
    with ServerIndex(qdrant.url, SPEC, server_settings(tmp_path)) as index:
        yield index
        qdrant.faults.clear()
        drop_collections(index)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status="UNAVAILABLE"),
        Fault(status="UNAVAILABLE", applied=True),
        Fault(status="RESOURCE_EXHAUSTED"),
        Fault(status="RESOURCE_EXHAUSTED", retry_after_s=1),
        Fault(status="DEADLINE_EXCEEDED", applied=True),
        Fault(drop=True, applied=True),
    ],
)
def test_what_a_server_does_not_answer_is_sent_again(index: ServerIndex, qdrant: QdrantServer, fault: Fault) -> None:
    before = TRANSFERS.total().retries
    for method in ("Points/Upsert", "Points/SetPayload", "Points/Count"):
        qdrant.faults.add(method, fault)
    write(index, scene("v1/0"), scene("v1/10"))
    assert names(index, LIVE) == ids(scene("v1/0"), scene("v1/10"))
    assert (qdrant.faults.pending(), qdrant.faults.calls["Points/Upsert"]) == (0, 2)
    assert TRANSFERS.total().retries == before + 3


def test_a_slow_answer_is_asked_for_again(qdrant: QdrantServer, tmp_path: Path) -> None:
    with ServerIndex(qdrant.url, SPEC, server_settings(tmp_path, timeout_s=1)) as index:
        qdrant.faults.add("Points/Upsert", Fault(delay_s=2))
        index.upsert([scene("v1/0")])
        assert qdrant.faults.calls["Points/Upsert"] >= 2  # more where the machine is slow too
        assert names(index, ALL) == ids(scene("v1/0"))
        drop_collections(index)


def test_a_server_that_stays_away_is_named(index: ServerIndex, qdrant: QdrantServer, tmp_path: Path) -> None:
    hasty = ServerIndex(qdrant.url, SPEC, server_settings(tmp_path, patience_s=0.5), create=False)
    qdrant.faults.add("Points/Upsert", Fault(status="UNAVAILABLE", message="no leader"), times=50)
    with pytest.raises(IndexUnavailable) as refused:
        hasty.upsert([scene("v1/0")])
    assert str(refused.value).startswith(f"The Qdrant server {qdrant.url} did not answer for ")
    assert "(UNAVAILABLE: no leader). See that it runs" in str(refused.value)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)
    with pytest.raises(IndexUnavailable, match=r"http://127\.0\.0\.1:9 did not answer .* gRPC port \(6334"):
        ServerIndex("http://127.0.0.1:9", SPEC, server_settings(tmp_path, patience_s=0.3))
    hasty.close()


def test_a_server_that_comes_back_finds_the_writer_waiting(tmp_path: Path) -> None:
    server = QdrantServer(tmp_path / "qdrant")
    index = ServerIndex(server.url, SPEC, server_settings(tmp_path, patience_s=60))
    write(index, scene("v1/0"))
    server.stop()
    waiting = threading.Thread(target=write, args=(index, scene("v2/0")))
    waiting.start()
    waiting.join(0.7)
    assert waiting.is_alive()
    with QdrantServer(tmp_path / "qdrant", port=server.port):
        waiting.join(60)
        assert names(index, LIVE) == ids(scene("v1/0"), scene("v2/0"))
        index.close()


def test_a_key_that_is_refused_is_named_and_not_told(tmp_path: Path) -> None:
    right, wrong = (server_settings(tmp_path, api_key=key) for key in ("the right key", "the wrong key"))
    with QdrantServer(tmp_path / "qdrant", api_key="the right key") as server:
        for settings in (wrong, server_settings(tmp_path)):
            with pytest.raises(SettingsError, match=r"refuses the key \(UNAUTHENTICATED: .* set qdrant\.api_key") as no:
                ServerIndex(server.url, SPEC, settings)
            assert "wrong key" not in str(no.value)
        with ServerIndex(server.url, SPEC, right) as index:
            index.upsert([scene("v1/0")])
            assert index.count(ALL) == 1
            assert "right key" not in repr((index, index.settings, vars(index.connection)))


def test_what_a_server_refuses_is_told(index: ServerIndex, qdrant: QdrantServer) -> None:
    message = "the disk\nis full"
    qdrant.faults.add("Points/Upsert", Fault(status="INTERNAL", message=message))
    with pytest.raises(StoreError, match=rf"{qdrant.url} refused a request \(INTERNAL: the disk is full\)") as no:
        index.upsert([seen(scene("v1/0"), visual=[1, 0, 0])])
    again = pickle.loads(pickle.dumps(no.value))
    assert (type(again), str(again), again.code, again.said) == (ServerRefusal, str(no.value), "INTERNAL", message)
    assert qdrant.faults.calls["Points/Upsert"] == 1


class OldServer(proto.QdrantServicer):
    def HealthCheck(self, request: proto.HealthCheckRequest, context: grpc.ServicerContext) -> proto.HealthCheckReply:  # noqa: N802
        return proto.HealthCheckReply(title="qdrant", version="1.18.4")


def test_a_server_that_is_too_old_is_refused() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    proto.add_QdrantServicer_to_server(OldServer(), server)
    url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with pytest.raises(StoreError, match=rf"server {url} has version 1\.18\.4; footage needs 1\.19 or later"):
            ServerIndex(url, SPEC, QdrantSettings())
        connection = ServerConnection(url, QdrantSettings())
        with pytest.raises(StoreError, match=r"is no Qdrant of version 1\.19 or later \(UNIMPLEMENTED"):
            connection.call(lambda client: client.get_aliases())
        connection.close()
    finally:
        server.stop(None)
