import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from footage.embedded_index import EmbeddedIndex
from footage.errors import IndexBusy, IndexFailed, IndexMismatch
from footage.index_records import IndexHit, IndexSpec, SceneFilter, ScenePoint, VectorQuery, VideoHit, VideoPoint
from footage.index_service import IndexClient, IndexService, address_file
from footage.records import SceneVectors, SparseVector, Vector

SPEC = IndexSpec("text-model", 4, "vision-model", 3, sparse_idf=False)
VIDEO = "00000000-0000-5000-8000-000000000001"
QUERIES = [
    VectorQuery("transcript", np.array([1, 0, 0, 0], dtype=np.float32)),
    VectorQuery("transcript_sparse", SparseVector((7,), (2.0,))),
]


def _point(number: int) -> ScenePoint:
    dense = np.eye(4, dtype=np.float32)[number]
    scene_id = f"00000000-0000-5000-8000-00000000010{number}"
    vectors = SceneVectors(scene_id, dense, SparseVector((7, 8), (1.0, 0.5)), None)
    return ScenePoint(scene_id, VIDEO, "home", float(number), number + 1.0, "en", "g", "s", "t", vectors, ("outdoor",))


@pytest.fixture
def owned(tmp_path: Path) -> Iterator[tuple[EmbeddedIndex, IndexService, Path]]:
    path = tmp_path / "index" / "scenes"
    index = EmbeddedIndex(path, SPEC, owner="the owner")
    index.upsert([_point(0), _point(1)])
    index.publish("home", VIDEO, "g")
    index.put_descriptions([VideoPoint(VIDEO, "home", "en", np.array([0.6, 0.8, 0, 0], dtype=np.float32))])
    service = IndexService(index, path)
    yield index, service, path
    service.close()
    index.close()


def test_client_gets_what_the_index_gives(owned: tuple[EmbeddedIndex, IndexService, Path]) -> None:
    index, _, path = owned
    where = SceneFilter("home", video_ids=(VIDEO,), language="en", tags=("outdoor",), start_s=0.0)

    lists = IndexClient(path, SPEC).search(QUERIES, where, 5)

    assert lists == index.search(QUERIES, where, 5)
    assert [len(hits) for hits in lists] == [2, 2]


def test_client_finds_the_videos_that_the_index_finds(owned: tuple[EmbeddedIndex, IndexService, Path]) -> None:
    client = IndexClient(owned[2], SPEC)
    asked = np.array([1, 0, 0, 0], dtype=np.float32)

    assert client.search_videos(asked, "home", (VIDEO,), 5) == [VideoHit(VIDEO, pytest.approx(0.6))]
    assert client.search_videos(asked, "home", ("another",), 5) == []
    with pytest.raises(IndexFailed, match="dimension"):
        client.search_videos(np.ones(2, dtype=np.float32), "home", (), 5)


def test_client_of_other_models_is_refused(owned: tuple[EmbeddedIndex, IndexService, Path]) -> None:
    with pytest.raises(IndexMismatch, match="other-model"):
        IndexClient(owned[2], IndexSpec("other-model", 4, "vision-model", 3, sparse_idf=False))


def test_owner_that_no_longer_answers_is_busy(owned: tuple[EmbeddedIndex, IndexService, Path]) -> None:
    _, service, path = owned
    client = IndexClient(path, SPEC)
    address = address_file(path).read_text()
    service.close()
    address_file(path).write_text(address)  # as a killed owner leaves it

    with pytest.raises(IndexBusy):
        client.search(QUERIES, SceneFilter("home"), 5)
    with pytest.raises(IndexBusy):
        IndexClient(path, SPEC)


def test_an_error_of_the_owner_is_said_and_it_goes_on(owned: tuple[EmbeddedIndex, IndexService, Path]) -> None:
    index, _, path = owned
    client = IndexClient(path, SPEC)
    too_short = [VectorQuery("transcript", np.ones(2, dtype=np.float32))]

    with pytest.raises(IndexFailed, match=r"The owner of the index could not search it: .*dimension"):
        client.search(too_short, SceneFilter("home"), 5)
    assert client.search(QUERIES, SceneFilter("home"), 5) == index.search(QUERIES, SceneFilter("home"), 5)


class Slow:
    """An index that answers when it is told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def search(self, queries: Sequence[VectorQuery], where: SceneFilter, limit: int) -> list[list[IndexHit]]:
        self.asked = where
        self.go_on.wait(60)
        return []

    def search_videos(self, vector: Vector, workspace: str, video_ids: tuple[str, ...], limit: int) -> list[VideoHit]:
        raise AssertionError


def test_an_owner_that_takes_too_long_is_busy_and_not_gone(tmp_path: Path) -> None:
    path = tmp_path / "index" / "scenes"
    EmbeddedIndex(path, SPEC, owner="a test").close()
    slow = Slow()
    service = IndexService(slow, path)
    client = IndexClient(path, SPEC, answer_within_s=0.5)

    with pytest.raises(IndexBusy, match=r"did not answer within 0\.5 s: it is busy"):
        client.search(QUERIES, SceneFilter("home"), 5)
    slow.go_on.set()
    where = SceneFilter("home", video_ids=(VIDEO,), tags=("outdoor", "night"), end_s=2.5)
    assert client.search(QUERIES, where, 5) == []
    assert slow.asked == where
    service.close()


def test_socket_is_for_its_user_only(owned: tuple[EmbeddedIndex, IndexService, Path]) -> None:
    folder = Path(address_file(owned[2]).read_text()).parent

    assert folder.stat().st_mode & 0o077 == 0
