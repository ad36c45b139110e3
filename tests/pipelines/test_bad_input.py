"""A folder in which most files are bad: each costs itself alone, and a retry tries those again."""

import shutil
import socket
import threading
from pathlib import Path

import pytest

from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.settings import Settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests import media

pytestmark = pytest.mark.ray

GOOD = ("garage.mp4", "shapes_silent.mp4")


class Listener:
    """Counts the connections that anybody makes to a port of this machine."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            self.connections += 1
            connection.close()


def test_bad_files_cost_themselves_alone(uncaptioned: Settings, clips: Path, tmp_path: Path) -> None:
    folder, store = tmp_path / "videos", tmp_path / "store"
    listener = Listener()
    expected = media.make_bad_folder(folder)
    local = shutil.copy(clips / "coast.mp4", tmp_path / "elsewhere.mp4")
    media.playlist(folder / "playlist.mp4", f"http://127.0.0.1:{listener.port}/secret.ts", f"file://{local}")
    for name in GOOD:
        shutil.copy(clips / name, folder / name)
    shutil.copy(clips / GOOD[0], folder / "same-bytes.mp4")
    request = IndexRequest(str(folder), store)

    report = run_index(request, uncaptioned)

    codes = {record.source.uri.rsplit("/", 1)[-1]: record.code for record in report.quarantined}
    names = {record.reason: record.source.uri.rsplit("/", 1)[-1] for record in report.quarantined}
    reasons = [reason.replace(name, "") for reason, name in names.items()]
    assert codes == expected
    assert len(set(reasons)) == len(expected)
    assert (report.videos_done, report.videos_duplicate, report.worker_deaths) == (len(GOOD), 1, {})
    assert listener.connections == 0

    again = run_index(request, uncaptioned)
    assert (again.videos_done, again.videos_skipped, again.spans_done) == (0, len(GOOD) + 1, 0)
    assert again.videos_quarantined == len(expected)
    assert {record.attempts for record in again.quarantined} == {1}

    (folder / "text.mp4").unlink()
    shutil.copy(clips / "window.mp4", folder / "text.mp4")  # somebody repaired it
    retried = run_index(IndexRequest(None, store), uncaptioned)
    assert (retried.videos_found, retried.videos_done, retried.videos_skipped) == (len(expected), 1, 0)
    left = {record.source.uri.rsplit("/", 1)[-1]: record.attempts for record in retried.quarantined}
    assert left == dict.fromkeys(expected.keys() - {"text.mp4"}, 2)

    manifests = list(Catalog(DirectoryStore(store), "default").manifests())
    names = {source.uri.rsplit("/", 1)[-1] for manifest in manifests for source in manifest.sources}
    assert names == {*GOOD, "same-bytes.mp4", "text.mp4"}
