"""`footage index --watch` as a process: what arrives in a bucket becomes searchable, SIGTERM ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.watching import seconds
from footage.errors import SettingsError
from footage.run_records import RunReport
from tests.bucket_queue import BucketQueue
from tests.cluster.test_cli import footage
from tests.conftest import PROJECT
from tests.s3_servers import S3Server


@pytest.mark.parametrize(("text", "wanted"), [("90", 90), ("90s", 90), ("1.5 m", 90), ("5min", 300), ("2H", 7200)])
def test_times_are_written_as_people_do(text: str, wanted: float) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "0s", "soon", "-5s", "5 days"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is no time: write 30s, 5m or 1h"):
        seconds(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("films", "--every", "5s"), "--every and --events say how to --watch: give that too."),
        (("films", "--watch", "--every", "soon"), "--every soon is no time"),
        (("https://media.example.org/a.mp4", "--watch"), "is one video: --watch is for folders and buckets."),
        (("films", "--watch", "--only", "speech"), "--watch waits for new videos, and --only is for those"),
        (("films", "--watch", "--events", "https://sqs.x.amazonaws.com/1/q"), "--events are those of a bucket"),
        (("films-that-are-nowhere", "--watch"), "The source films-that-are-nowhere cannot be read"),
    ],
)
def test_what_cannot_be_watched_is_a_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = footage("index", *arguments, "--store", tmp_path / "store", "--profile", "offline")

    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


class Watching:
    """The command, and what it says."""

    def __init__(self, root: Path, server: S3Server, *arguments: str) -> None:
        self._log = root / "watch.log"
        command = [sys.executable, "-m", "cluster.cli", "index", *arguments, "--watch", "--every", "1s", "--json"]
        environment = {
            **os.environ,
            "FOOTAGE_S3__ENDPOINT": server.settings.endpoint,
            "FOOTAGE_CAPTIONS__ADAPTER": "off",  # its workers start sooner
            "FOOTAGE_SUMMARIES__ADAPTER": "off",
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 240
        while not happened():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said  # noqa: PT018
            time.sleep(0.2)

    def end(self) -> list[RunReport]:
        """SIGTERM; gives the reports that were printed."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        return [RunReport.model_validate_json(line) for line in out.splitlines()]


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "by_events", [pytest.param(False, id="listing", marks=pytest.mark.nightly), pytest.param(True, id="events")]
)
def test_what_arrives_in_a_bucket_becomes_searchable_until_sigterm(
    by_events: bool, moto_s3: S3Server, prepared: object, clips: Path, tmp_path: Path
) -> None:
    bucket, store = moto_s3.new_bucket(), tmp_path / "store"
    queue = BucketQueue(moto_s3)
    queue.is_told_by(bucket)
    where = ("--store", str(store), "--profile", "offline")
    watching = Watching(
        tmp_path, moto_s3, f"s3://{bucket}/films", *where, *(("--events", queue.url) if by_events else ())
    )
    try:
        watching.until(lambda: f"watching s3://{bucket}/films: 0 videos known" in watching.said)
        assert list((store / "runs").glob("*")) == []
        for number, clip in enumerate(("garage.mp4", "window.mp4"), start=1):
            moto_s3.client().upload_file(str(clips / clip), bucket, f"films/{clip}")
            watching.until(lambda want=number: len(list((store / "videos").rglob("manifest.json"))) == want)
            watching.until(lambda: not list((store / "leases").rglob("*.json")))
        hits = json.loads(footage("search", "brake pads", "--by", "transcript", *where, "--json").stdout)["hits"]
        assert hits[0]["source_uris"] == [f"s3://{bucket}/films/garage.mp4"]
        if by_events:
            watching.until(lambda: queue.counts() == (0, 0))
        time.sleep(3)  # looks at which nothing is new
        reports = watching.end()
    finally:
        watching.process.kill()
        watching.process.wait()

    assert watching.process.returncode == 0
    assert [(report.videos_found, report.videos_done, report.state) for report in reports] == [(1, 1, "finished")] * 2
    assert len(list((store / "runs").glob("*.json"))) == 2
    assert watching.said.endswith(f"The watch of s3://{bucket}/films has ended: 2 videos known.\n")
