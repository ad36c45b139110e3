"""The service as a whole: its processes, what happens when they die, and its end. One start serves all of it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from actors.model_preparation import PreparedModels
from actors.query_encoder import QueryEncoder
from actors.scene_searcher import SceneSearcher
from footage.embedded_index import EmbeddedIndex
from footage.search import SearchRequest
from footage.settings import Settings
from footage.store_address import open_store
from footage.store_reads import StoreReads
from footage.toy_lists import toy_lists
from tests.media import write_clip
from tests.serve_apps.load import QUERIES, Answers, Client, essence, load
from tests.serve_apps.served_process import PROJECT, ServedProcess, start_service

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(600)]

BACK_WITHIN_S = 60.0  # it takes 5 s on two idle cores
CLIENTS = 4


@pytest.fixture(scope="module")
def service(indexed_samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    folder = tmp_path_factory.mktemp("service")
    shutil.copytree(indexed_samples, folder / "store")
    running = start_service(folder / "store", folder / "logs")
    yield running
    if running.process.poll() is None:
        running.end()


@pytest.fixture
def client(service: ServedProcess) -> Iterator[Client]:
    asking = Client(service.url)
    yield asking
    asking.close()


def test_answers_as_a_search_in_process_does(
    service: ServedProcess,
    client: Client,
    indexed_samples: Path,
    tmp_path: Path,
    offline: Settings,
    prepared: PreparedModels,
) -> None:
    shutil.copytree(indexed_samples, tmp_path / "store")
    store = open_store(str(tmp_path / "store"), offline.s3)
    with EmbeddedIndex(tmp_path / "store" / "index" / "scenes", prepared.index_spec(), "a test", create=False) as index:
        searcher = SceneSearcher(index, StoreReads(store), QueryEncoder(prepared), offline.search, toy_lists(offline))
        expected = {query: searcher.search(SearchRequest(query=query, limit=20)) for query in QUERIES}

    for query, response in expected.items():
        answer = client.search(query)
        assert essence(answer) == [(hit.scene_id, round(hit.score, 6)) for hit in response.hits]
        assert answer["lists"] == [asked.model_dump() for asked in response.lists]


def test_a_hit_plays_by_range_and_shows_its_picture(client: Client) -> None:
    hit = client.search("red car", min_relevance=0)["hits"][0]
    play = hit["play_url"].partition("#")[0]

    status, headers, body = client.get(play, {"Range": "bytes=100-199"})
    assert (status, len(body)) == (206, 100)
    assert headers["content-range"].startswith("bytes 100-199/")
    status, headers, body = client.get(hit["thumbnail_url"])
    assert (status, headers["content-type"], body[:2]) == (200, "image/jpeg", b"\xff\xd8")


def test_says_that_it_is_well(client: Client) -> None:
    status, _, body = client.get("/v1/health")

    assert status == 200
    assert json.loads(body)["state"] == "ok"


def test_each_request_is_a_line_in_the_folder_of_logs(service: ServedProcess, client: Client) -> None:
    status, headers, _ = client.get("/v1/me")
    line = f"urn:uuid:{headers['x-request-id']} GET /v1/me {status}"
    _wait_until(lambda: any(line in file.read_text() for file in service.logs.rglob("*Ingress*.log")))


@pytest.mark.parametrize("part", ["TextEncoder", "PictureEncoder", "SceneIndex", "Ingress"])
def test_a_part_that_is_killed_comes_back_and_nobody_gets_a_wrong_answer(service: ServedProcess, part: str) -> None:
    with load(service.url, CLIENTS) as answers:
        _wait_until(lambda: len(answers.right) >= 2 * CLIENTS)
        dead = service.kill(part)
        killed = time.monotonic()
        _wait_until(lambda: bool(_pids(service, part) - dead) and _well_again(answers, killed))
    assert answers.wrong == []


def test_an_update_costs_no_request(service: ServedProcess) -> None:
    before = {part: _pids(service, part) for part in ("Ingress", "TextEncoder", "SceneIndex")}
    with load(service.url, CLIENTS) as answers:
        service.update()
        updated = time.monotonic()
        _wait_until(lambda: any(at > updated + 1 for at in answers.right))
        _wait_until(lambda: all(not _pids(service, part) & pids for part, pids in before.items()))
    assert (answers.wrong, answers.refused) == ([], [])


def test_a_video_is_found_the_moment_its_manifest_is_written(
    service: ServedProcess, client: Client, tmp_path: Path
) -> None:
    write_clip(tmp_path / "new.mp4", sound_codec=None)
    known = set(service.store.glob("videos/default/*/manifest.json"))
    quick = {"FOOTAGE_CAPTIONS__ADAPTER": "off", "FOOTAGE_SUMMARIES__ADAPTER": "off"}
    command = [sys.executable, "-m", "cluster.cli", "index", str(tmp_path), "--store", str(service.store)]
    with subprocess.Popen([*command, "--profile", "offline"], cwd=PROJECT, env={**os.environ, **quick}) as run:
        while not (new := set(service.store.glob("videos/default/*/manifest.json")) - known):
            assert run.poll() in (None, 0)
            assert client.search("red car", min_relevance=0)["hits"]  # searches go on
            time.sleep(0.01)
        (video_id,) = {manifest.parent.name for manifest in new}
        found = client.search("a red picture", by="picture", min_relevance=0, video=video_id)["hits"]
        assert run.wait() == 0
    assert {hit["video_id"] for hit in found} == {video_id}


def test_ends_when_it_is_told_to_and_leaves_no_process(service: ServedProcess) -> None:
    tree = service.tree()

    seconds = service.end()

    assert service.process.returncode == 0
    assert seconds < 60
    assert [process for process in psutil.wait_procs(tree, timeout=20)[1] if process.is_running()] == []


def _pids(service: ServedProcess, part: str) -> set[int]:
    return {replica.pid for replica in service.replicas(part)}


def _well_again(answers: Answers, killed: float) -> bool:
    """Whether searches are answered, and have been for a while."""
    later = [at for at in answers.right if at > killed + 1]
    return len(later) >= 4 * CLIENTS and later[-4 * CLIENTS] > max([0.0, *answers.refused])


def _wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + BACK_WITHIN_S
    while not true():
        assert time.monotonic() < until, f"not within {BACK_WITHIN_S:g} s"
        time.sleep(0.1)
