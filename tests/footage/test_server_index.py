"""What only an index on a server does: many writers at once, other processes, bulk loads; and that it is as exact."""

import pickle
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexMismatch
from footage.index import VectorIndex
from footage.index_payload import DENSE, SPARSE
from footage.index_records import IndexHit, SceneFilter, ScenePoint, StoredPoint, VectorQuery
from footage.records import SparseVector
from footage.server_index import ServerIndex
from tests.conftest import PROJECT
from tests.points import (
    ALL,
    LIVE,
    SPEC,
    as_described,
    described,
    drop_collections,
    ids,
    names,
    same,
    scene,
    seen,
    server_settings,
    video,
    write,
)
from tests.qdrant_server.faults import Fault
from tests.qdrant_server.server import QdrantServer


@pytest.fixture
def index(qdrant: QdrantServer, tmp_path: Path) -> Iterator[ServerIndex]:
    with ServerIndex(qdrant.url, SPEC, server_settings(tmp_path)) as index:
        yield index
        qdrant.faults.clear()
        drop_collections(index)


def wait_for_faults(qdrant: QdrantServer) -> None:
    while qdrant.faults.pending():
        time.sleep(0.01)


def test_points_go_out_in_batches(qdrant: QdrantServer, tmp_path: Path) -> None:
    with ServerIndex(qdrant.url, SPEC, server_settings(tmp_path, batch_points=3)) as index:
        points = [seen(scene(f"v1/{start}"), visual=[1, start, 0]) for start in range(8)]
        index.upsert(points)
        index.put_descriptions([video(f"v{number}", [1, 0, 0, 0]) for number in range(4)])
        index.upsert([])
        index.put_descriptions([])
        assert qdrant.faults.calls["Points/Upsert"] == 3 + 2
        assert names(index, ALL) == ids(*points)
        assert index.search([], LIVE, 5) == []
        bad = [*points, seen(scene("v2/0"), visual=[1, 0])]
        with pytest.raises(IndexMismatch):
            index.upsert(bad)
        with pytest.raises(IndexMismatch):
            index.restore([StoredPoint(point, live=True) for point in bad])
        assert qdrant.faults.calls["Points/Upsert"] == 3 + 2
        drop_collections(index)


def test_a_write_that_arrives_after_the_publication_hides_nothing(index: ServerIndex, qdrant: QdrantServer) -> None:
    """As when a span is written a second time, slowly, while another worker completes the video."""
    index.upsert([scene("v1/0"), scene("v1/10")])
    qdrant.faults.add("Points/Upsert", Fault(delay_s=60))
    changed = [seen(scene("v1/0", language="de"), visual=[0, 1, 0]), scene("v1/10"), scene("v1/20")]
    late = threading.Thread(target=index.upsert, args=(changed,))
    late.start()
    wait_for_faults(qdrant)
    index.publish("home", scene("v1/0").video_id, "g1")
    qdrant.faults.let_go()
    late.join()
    assert names(index, LIVE) == ids(scene("v1/0"), scene("v1/10"))
    assert names(index, ALL) == ids(*changed)
    assert all(same(*pair) for pair in zip(index.points(ALL), changed, strict=True))


def test_a_write_that_arrives_after_another_generation_brings_nothing_back(
    index: ServerIndex, qdrant: QdrantServer
) -> None:
    write(index, scene("v1/0"))
    index.upsert([scene("v1/0", generation="g2")])
    qdrant.faults.add("Points/Upsert", Fault())
    qdrant.faults.add("Points/Upsert", Fault(delay_s=60))  # the second write, of what was seen to be live
    late = threading.Thread(target=index.upsert, args=([scene("v1/0")],))
    late.start()
    wait_for_faults(qdrant)
    index.publish("home", scene("v1/0").video_id, "g2")
    qdrant.faults.let_go()
    late.join()
    assert [(point.scene_id, point.generation) for point in index.points(ALL)] == [(scene("v1/0").scene_id, "g2")]


def test_many_writers_and_what_is_live_stays_live(index: ServerIndex) -> None:
    points = [seen(scene(f"v1/{start}"), visual=[1, start, 0]) for start in range(40)]
    index.upsert(points)
    index.publish("home", points[0].video_id, "g1")
    stop = threading.Event()

    def rewrite(copy: bytes) -> None:
        with pickle.loads(copy) as other:
            while not stop.is_set():
                other.upsert(points)

    writers = [threading.Thread(target=rewrite, args=(pickle.dumps(index),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    live = {index.count(LIVE) for _ in range(30)}
    stop.set()
    for writer in writers:
        writer.join()
    assert (live, index.count(ALL)) == ({40}, 40)


OTHER_PROCESS = textwrap.dedent(
    """
    import pickle, sys
    from tests.points import scene, video, write
    index = pickle.loads(bytes.fromhex(sys.stdin.read()))
    write(index, scene("v2/0"))
    index.put_descriptions([video("v2", [1, 0, 0, 0])])
    """
)


def test_an_index_goes_to_another_process(index: ServerIndex) -> None:
    write(index, scene("v1/0"))
    sent = pickle.dumps(index).hex()
    subprocess.run([sys.executable, "-c", OTHER_PROCESS], input=sent, text=True, check=True, cwd=PROJECT, timeout=120)
    assert names(index, LIVE) == ids(scene("v1/0"), scene("v2/0"))
    assert described(index) == as_described(video("v2", [1, 0, 0, 0]))


def test_a_closed_index_connects_again(index: ServerIndex) -> None:
    index.close()
    write(index, scene("v1/0"))
    index.close()
    index.close()
    assert index.count(LIVE) == 1


def thresholds(index: ServerIndex) -> int | None:
    name = index.collections().scenes
    return index.connection.call(lambda client: client.get_collection(name)).config.optimizer_config.indexing_threshold


def test_a_bulk_load_builds_graphs_afterwards(index: ServerIndex) -> None:
    from qdrant_client import models

    name = index.collections().scenes
    mine = models.OptimizersConfigDiff(indexing_threshold=12_345)
    index.connection.call(lambda client: client.update_collection(name, optimizers_config=mine))
    for _ in range(2):
        with index.bulk_load():
            write(index, scene("v1/0"))
            assert thresholds(index) == 0
        assert thresholds(index) == 12_345

    index.begin_bulk_load()
    index.begin_bulk_load()  # by another run; and then both are killed
    again = ServerIndex(index.url, SPEC, index.settings, create=False)
    again.end_bulk_load()
    again.wait_until_indexed()
    assert thresholds(again) == 12_345
    again.close()


def test_a_bulk_load_that_fails_ends_too(index: ServerIndex) -> None:
    with pytest.raises(ZeroDivisionError), index.bulk_load():
        raise ZeroDivisionError
    assert thresholds(index) not in (None, 0)


def spread(seed: int) -> list[ScenePoint]:
    """Scenes of two workspaces with all vectors, or without some."""
    random = np.random.default_rng(seed)
    points = []
    for number in range(120):
        workspace = ("home", "away")[number % 3 == 2]
        point = scene(f"v{number % 7}/{number}", workspace=workspace, language=("en", "de")[number % 2])
        words = sorted(random.choice(30, size=5, replace=False).tolist())
        parts = {
            "transcript": random.normal(size=4).tolist(),
            "visual": random.normal(size=3).tolist(),
            "caption": random.normal(size=4).tolist(),
            "sparse": {word: float(np.float32(random.random())) for word in words},
        }
        if number % 5 == 0:
            del parts["sparse"], parts["transcript"]
        points.append(seen(point, **parts))
    return points


def found(index: VectorIndex, seed: int) -> list[list[IndexHit]]:
    random = np.random.default_rng(seed)
    lists = []
    for where in (LIVE, SceneFilter("away"), SceneFilter("home", language="de", start_s=30)):
        queries = [
            VectorQuery(name, random.normal(size=3 if name == "visual" else 4).astype(np.float32)) for name in DENSE
        ]
        words = tuple(sorted(random.choice(30, size=4, replace=False).tolist()))
        queries.append(VectorQuery(SPARSE, SparseVector(words, (1.0, 0.5, 2.0, 1.5))))
        lists += index.search(queries, where, 15)
    return lists


@pytest.mark.parametrize("sparse_idf", [True, False])
def test_both_engines_find_the_same_with_the_same_scores(
    qdrant: QdrantServer, tmp_path: Path, sparse_idf: bool
) -> None:
    spec = replace(SPEC, sparse_idf=sparse_idf)
    points = spread(1)
    with (
        EmbeddedIndex(tmp_path / "index" / "scenes", spec, owner="a test") as embedded,
        ServerIndex(qdrant.url, spec, server_settings(tmp_path, batch_points=16)) as server,
    ):
        write(embedded, *points)
        write(server, *reversed(points))
        for seed in range(5):
            lists = found(server, seed)
            assert lists == [
                [hit._replace(score=pytest.approx(hit.score)) for hit in one] for one in found(embedded, seed)
            ]
            assert sum(map(len, lists)) > 100
        drop_collections(server)
