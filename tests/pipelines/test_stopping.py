"""SIGTERM, and what a run that broke off leaves behind."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError
from footage.run_history import runs_of_store
from footage.run_records import RunReport
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.run_report import first_report, reported
from pipelines.stopping import interrupted_by_sigterm, sigterm_handler_kept
from tests.conftest import PROJECT
from tests.memory_store import MemoryStore

REQUEST = IndexRequest("s3://films", "s3://store", job="job-1", dataset="pilots")


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_interrupts_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interrupted_by_sigterm():
        with pytest.raises(KeyboardInterrupt):
            terminate()
        terminate()  # while the run ends
        with sigterm_handler_kept():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as ray.init() does
        terminate()
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_have_no_signals() -> None:
    entered = []

    def run() -> None:
        with interrupted_by_sigterm(), sigterm_handler_kept():
            entered.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert entered == [True]


def report_of_run(store: MemoryStore) -> RunReport:
    (key,) = store.list("runs/")
    return RunReport.model_validate_json(store.get(key))


def begun() -> RunReport:
    return first_report(REQUEST, Settings(), "run-1", "f1", datetime.now(UTC))


def test_a_run_is_known_from_its_start_and_its_last_report_stays() -> None:
    store = MemoryStore()
    catalog = Catalog(store, "default")
    with reported(catalog, begun()):
        report = report_of_run(store)
        assert (report.state, report.job, report.dataset, report.finished_at) == ("running", "job-1", "pilots", "")
        catalog.put_report(report.model_copy(update={"state": "finished"}))
    assert report_of_run(store).state == "finished"


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (KeyboardInterrupt(), "interrupted", ""),
        (SystemExit(15), "interrupted", ""),  # by Ray's handler, while it starts
        (SettingsError("s3://films is not there."), "failed", "s3://films is not there."),
        (ZeroDivisionError("x"), "failed", "ZeroDivisionError: x"),
    ],
)
def test_a_run_that_breaks_off_before_its_end_says_how(error: BaseException, state: str, said: str) -> None:
    store = MemoryStore()
    with pytest.raises(type(error)), reported(Catalog(store, "default"), begun()):
        raise error
    report = report_of_run(store)
    assert (report.state, report.error, bool(report.finished_at)) == (state, said, True)


def test_a_run_that_cannot_list_its_source_is_reported_as_failed(
    uncaptioned: Settings, prepared: PreparedModels, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "cluster.cli", "index", str(tmp_path / "gone"), "--store", str(tmp_path / "store")]
    subprocess.run([*command, "--profile", "offline"], cwd=PROJECT, capture_output=True, check=False, timeout=60)

    (run,) = runs_of_store(DirectoryStore(tmp_path / "store"))
    assert run.state == "failed"
    assert "cannot be read: No such file or directory" in run.error
