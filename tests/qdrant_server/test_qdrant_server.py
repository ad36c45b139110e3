"""The server itself: the key, what goes wrong on demand, the end of a server and the one after it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import qdrant_edge as edge
from qdrant_client import grpc as proto
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http import models

from tests.qdrant_server.asking import client, create, point_id, points, refused
from tests.qdrant_server.errors import CallFailed, engine_errors
from tests.qdrant_server.faults import Fault
from tests.qdrant_server.interceptor import NOT_SENT
from tests.qdrant_server.server import QdrantServer

PROJECT = Path(__file__).parents[2]


def test_without_the_key_nothing_is_answered_but_health(tmp_path: Path) -> None:
    with QdrantServer(tmp_path, api_key="right") as server:
        for headers in ({}, {"api-key": "wrong"}, {"api-key": "right but longer"}):
            asked = client(server, headers=headers)
            with refused(grpc.StatusCode.UNAUTHENTICATED):
                asked.get_collections()
            assert asked.info().version
        for headers in ({"api-key": "right"}, {"authorization": "Bearer right"}):
            assert client(server, headers=headers).get_collections().collections == []


def test_the_next_calls_fail_and_the_ones_after_do_not(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "failing")
    qdrant.faults.add("Points/Upsert", Fault(status="UNAVAILABLE", message="gone for lunch"), times=2)
    for _ in range(2):
        assert asked.count("failing").count == 0  # another method
        with refused(grpc.StatusCode.UNAVAILABLE, "gone for lunch"):
            asked.upsert("failing", points(1))
    assert asked.count("failing").count == 0
    asked.upsert("failing", points(1))
    assert qdrant.faults.calls == {"Collections/Create": 1, "Points/Upsert": 3, "Points/Count": 3}
    qdrant.faults.add("*", Fault(status="INTERNAL"))
    assert qdrant.faults.pending() == 1
    with refused(grpc.StatusCode.INTERNAL):
        asked.get_collections()
    assert qdrant.faults.pending() == 0


def test_exhausted_with_and_without_a_hint_when_to_come_again(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    qdrant.faults.add("Collections/List", Fault(status="RESOURCE_EXHAUSTED", retry_after_s=7))
    qdrant.faults.add("Collections/List", Fault(status="RESOURCE_EXHAUSTED"))
    with pytest.raises(ResourceExhaustedResponse) as failed:
        asked.get_collections()
    assert failed.value.retry_after_s == 7
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED):
        asked.get_collections()
    asked.get_collections()


def test_a_late_answer_is_too_late_for_who_does_not_wait(qdrant: QdrantServer) -> None:
    create(client(qdrant), "late")
    hasty = client(qdrant, timeout=1)
    qdrant.faults.add("Points/Upsert", Fault(delay_s=60, applied=True))
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED):
        hasty.upsert("late", points(3))
    assert hasty.count("late").count == 3  # done, though nobody was told


@pytest.mark.parametrize(("applied", "held"), [(True, 3), (False, 0)])
def test_a_connection_is_cut_before_or_after_the_work(qdrant: QdrantServer, applied: bool, held: int) -> None:
    asked = client(qdrant)
    name = create(asked, f"cut {applied}")
    qdrant.faults.add("Points/Upsert", Fault(drop=True, applied=applied))
    with pytest.raises(grpc.RpcError) as failed:
        asked.upsert(name, points(3))
    error: Any = failed.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() != NOT_SENT  # the client noticed by itself
    assert asked.count(name).count == held  # the same client connects again
    asked.upsert(name, points(3))
    assert asked.count(name).count == 3


def test_writers_and_readers_side_by_side(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "busy")
    written = points(400)
    failures: list[BaseException] = []

    def run(part: int) -> None:
        mine = client(qdrant)
        try:
            for first in range(part, 400, 40):
                mine.upsert("busy", written[first : first + 10])
                mine.query_points("busy", query=[1.0] * 6, using="text")
                mine.create_payload_index("busy", f"field_{first}", models.PayloadSchemaType.KEYWORD)
        except grpc.RpcError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(part,)) for part in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert asked.count("busy").count == 400
    assert len(asked.get_collection("busy").payload_schema) == 40


def test_a_collection_deleted_under_its_readers_is_not_found(qdrant: QdrantServer) -> None:
    asked = client(qdrant)
    create(asked, "leaving")
    asked.upsert("leaving", points(300))
    codes: set[grpc.StatusCode] = set()
    started = threading.Barrier(4)

    def read() -> None:
        mine = client(qdrant)
        started.wait()
        try:
            while True:
                mine.query_points("leaving", query=[1.0] * 6, using="text", limit=300, with_vectors=True)
        except grpc.RpcError as error:
            codes.add(error.code())

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait()
    asked.delete_collection("leaving")
    for thread in threads:
        thread.join()
    assert codes == {grpc.StatusCode.NOT_FOUND}


def test_what_comes_after_a_shard_was_closed_is_not_found(tmp_path: Path) -> None:
    params = edge.EdgeVectorParams(size=2, distance=edge.Distance.Dot)
    shard = edge.EdgeShard.create(str(tmp_path), edge.EdgeConfig(vectors=params))
    shard.close()
    with pytest.raises(CallFailed, match="deleted during the call") as failed, engine_errors():
        shard.info()
    assert failed.value.code is grpc.StatusCode.NOT_FOUND


class Process:
    """A server as a process of its own."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        command = [sys.executable, "-m", "tests.qdrant_server", "--folder", str(folder), "--port", str(port)]
        self.process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith("serving http://127.0.0.1:"), line
        self.port = int(line.rpartition(":")[2])

    def end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
        return self.process.wait(60)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    started = Process(tmp_path / "kept")
    yield started
    started.end(signal.SIGKILL)


def test_all_that_was_acknowledged_outlives_a_kill(process: Process, tmp_path: Path) -> None:
    asked = client(process.port)
    create(asked, "kept", metadata={"a": 1})
    create(asked, "gone")
    asked.create_payload_index("kept", "workspace", models.KeywordIndexParams(type="keyword", is_tenant=True))
    asked.update_collection("kept", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=5))
    alias = models.CreateAlias(collection_name="kept", alias_name="now")
    asked.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    asked.delete_collection("gone")
    for first in range(0, 100, 10):
        asked.upsert("kept", points(100)[first : first + 10])
    asked.set_payload("kept", {"live": True}, points=[point_id(1)])
    asked.delete("kept", [point_id(2)])
    before = (asked.get_collection("kept"), asked.scroll("now", limit=100, with_vectors=True))
    assert process.end(signal.SIGKILL) == -signal.SIGKILL

    after = Process(tmp_path / "kept", process.port)
    try:
        again = client(after.port)
        assert (again.get_collection("kept"), again.scroll("now", limit=100, with_vectors=True)) == before
        assert [each.name for each in again.get_collections().collections] == ["kept"]
        assert [each.alias_name for each in again.get_aliases().aliases] == ["now"]
        assert len(list((tmp_path / "kept" / "data").iterdir())) == 1
    finally:
        assert after.end(signal.SIGTERM) == 0


def test_the_client_that_was_there_before_finds_the_server_again(process: Process, tmp_path: Path) -> None:
    asked = client(process.port, grpc_options={"grpc.initial_reconnect_backoff_ms": 100})
    create(asked, "kept")
    process.end(signal.SIGKILL)
    with refused(grpc.StatusCode.UNAVAILABLE):
        asked.get_collections()
    with QdrantServer(tmp_path / "kept", process.port):
        ready = {"wait_for_ready": True, "timeout": 60}  # a channel that failed to connect waits before it tries again
        (described,) = asked.grpc_collections.List(proto.ListCollectionsRequest(), **ready).collections
        assert described.name == "kept"
        assert asked.collection_exists("kept")


def test_a_folder_and_a_port_belong_to_one_server(tmp_path: Path) -> None:
    with QdrantServer(tmp_path / "a") as first:
        with pytest.raises(BlockingIOError):
            QdrantServer(tmp_path / "a")
        with pytest.raises(RuntimeError):
            QdrantServer(tmp_path / "b", port=first.port)
        with QdrantServer(tmp_path / "b") as second:  # what failed has left no lock
            create(client(second), "fine")
    with QdrantServer(tmp_path / "a"):
        pass


def test_half_made_collections_are_swept_away(tmp_path: Path) -> None:
    with QdrantServer(tmp_path) as server:
        create(client(server), "whole")
    (tmp_path / "data" / "half").mkdir()
    with QdrantServer(tmp_path) as server:
        assert client(server).collection_exists("whole")
    assert len(list((tmp_path / "data").iterdir())) == 1
