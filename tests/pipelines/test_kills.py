"""Workers, the index owner, a decoder process and the driver are killed in the middle; the result is the same."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.pipelines.conftest import Finished
from tests.pipelines.faults import with_fatal
from tests.stores import snapshot

pytestmark = [pytest.mark.ray, pytest.mark.long]


def _descendants(pid: int, word: str) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if word in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _kill_when_seen(word: str, after_s: float, killed: list[int]) -> threading.Thread:
    """Kill the first descendant whose command line has this word, some time after it was seen first."""

    def run() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if _descendants(os.getpid(), word):
                time.sleep(after_s)
                victim = _descendants(os.getpid(), word)[0]
                victim.kill()
                killed.append(victim.pid)
                return
            time.sleep(0.05)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_actors_of_every_pool_die_once(
    undisturbed: Finished, undescribed: Settings, clips: Path, tmp_path: Path
) -> None:
    victims = {
        "SpanPlanner": ("coast.mp4", tmp_path / "planner-died"),
        "VideoDecoder": ("garage.mp4", tmp_path / "decoder-died"),
        "Transcriber": ("window.mp4", tmp_path / "transcriber-died"),
        "Captioner": ("railway_variable_rate.mp4", tmp_path / "captioner-died"),
        "FrameEmbedder": ("shapes_silent.mp4", tmp_path / "frames-died"),
        "TextEmbedder": ("kitchen_office.mp4", tmp_path / "text-died"),
        "SceneWriter": ("portrait.mp4", tmp_path / "writer-died"),
    }
    store = tmp_path / "store"

    report = run_index(IndexRequest(str(clips), store), undescribed, with_fatal(victims))

    assert all(marker.exists() for _, marker in victims.values())
    assert (report.videos_done, report.videos_quarantined) == (undisturbed.report.videos_done, 0)
    assert report.worker_deaths == dict.fromkeys(victims, 1)
    assert snapshot(store, described=False) == snapshot(undisturbed.store, described=False)


def test_index_owner_and_decoder_process_are_killed(
    undisturbed: Finished, undescribed: Settings, clips: Path, tmp_path: Path
) -> None:
    killed: list[int] = []
    store = tmp_path / "store"
    threads = [_kill_when_seen("IndexOwner", 5.0, killed), _kill_when_seen("decoder_child", 1.0, killed)]

    report = run_index(IndexRequest(str(clips), store), undescribed)

    for thread in threads:
        thread.join()
    assert len(killed) == 2
    assert (report.videos_done, report.videos_quarantined) == (undisturbed.report.videos_done, 0)
    assert snapshot(store, described=False) == snapshot(undisturbed.store, described=False)


def test_driver_is_killed_and_run_again_during_searches(undisturbed: Finished, clips: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "cluster.cli", "index", str(clips), "--store", str(store), "--profile", "offline"]
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    catalog = Catalog(DirectoryStore(store), "default")
    deadline = time.monotonic() + 120
    while not (store.exists() and list(catalog.manifests())) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    done_before = len(list(catalog.manifests()))

    again = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    answers = []
    while again.poll() is None:
        answers.append(_search(store))
        time.sleep(4)  # the run needs the cores too
    printed, errors = again.communicate()

    assert again.returncode == 0, errors
    report = json.loads(printed)  # nothing else is on stdout
    assert 0 < done_before < undisturbed.report.videos_done
    assert report["videos_skipped"] == done_before
    assert any(answer.returncode == 0 and json.loads(answer.stdout)["hits"] for answer in answers)
    refused = [answer.stderr for answer in answers if answer.returncode]
    assert all(
        re.search("is held by `footage|owner of the index (did not|does not|stopped)", said) for said in refused
    ), refused
    assert snapshot(store) == snapshot(undisturbed.store)


def _search(store: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster.cli", "search", "train", "--json", "--profile", "offline", "--store"]
    return subprocess.run([*command, str(store)], capture_output=True, text=True, check=False, timeout=60)


# Owns the index as the service does, and searches it all the while; says how many scenes it found at most.
SERVING = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from footage.index_records import SceneFilter
    from footage.index_spec import read_spec
    from footage.shared_index import SharedIndex
    path = Path(sys.argv[1])
    with SharedIndex(path, read_spec(path), "footage serve") as index:
        print("owner", flush=True)
        found = 0
        while True:
            found = max(found, index.count(SceneFilter("default")))
            print(found, flush=True)
            time.sleep(0.2)
    """
)


def test_a_run_goes_on_when_the_service_that_owns_the_index_is_killed(
    undisturbed: Finished, undescribed: Settings, clips: Path, prepared: PreparedModels, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    path = store / "index" / "scenes"
    EmbeddedIndex(path, prepared.index_spec(), "a test").close()
    serving = subprocess.Popen([sys.executable, "-c", SERVING, str(path)], stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    assert serving.stdout.readline() == "owner\n"
    found: list[int] = []

    def kill_when_videos_are_seen() -> None:
        assert serving.stdout is not None
        for line in serving.stdout:
            found.append(int(line))
            if found[-1] > 2:
                serving.kill()

    killing = threading.Thread(target=kill_when_videos_are_seen, daemon=True)
    killing.start()
    try:
        report = run_index(IndexRequest(str(clips), store), undescribed)
    finally:
        serving.kill()
        killing.join(10)
    assert serving.wait() == -signal.SIGKILL
    assert max(found) > 2
    assert (report.videos_done, report.videos_quarantined) == (undisturbed.report.videos_done, 0)
    assert snapshot(store, described=False) == snapshot(undisturbed.store, described=False)


def test_file_that_kills_its_worker_every_time(uncaptioned: Settings, clips: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("coast.mp4", "shapes_silent.mp4", "window.mp4"):
        (folder / name).symlink_to(clips / name)

    report = run_index(
        IndexRequest(str(folder), tmp_path / "store"), uncaptioned, with_fatal({"Transcriber": ("window.mp4", None)})
    )

    assert report.videos_done == 2
    [record] = report.quarantined
    assert record.source.uri.endswith("/window.mp4")
    assert record.code == "worker_lost"
    assert "lost in Transcriber, which tried it 3 times" in record.reason
