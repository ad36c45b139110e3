"""What a watch does when: folders and buckets are real, time is told to it, and a run is whatever the test says."""

import contextlib
import io
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from footage import identity
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.errors import IndexUnavailable, ModelMissing, SettingsError, StoreError
from footage.run_records import RunReport
from footage.seen_sources import SourcePile
from footage.settings import Settings
from footage.sources import source_name
from footage.sqs_queue import SqsQueue
from footage.watch_settings import WatchSettings
from pipelines.index_request import IndexRequest
from pipelines.watch import Watch
from pipelines.watch_feeds import Feed, ListingFeed, QueueFeed
from pipelines.watch_line import WatchLine
from pipelines.watched_source import WatchedSource
from tests.bucket_queue import BucketQueue
from tests.footage.test_catalog import report_of
from tests.pipelines.test_run_sources import Archive
from tests.s3_servers import S3Server
from tests.spans import FINGERPRINT

START_S = 1_900_000_000.0
EVERY_S = 60.0
DAY_S = 86_400.0


class Day:
    """A time that passes when somebody waits, and what happens at which second; at the end comes Ctrl-C."""

    def __init__(self) -> None:
        self.now_s = START_S
        self.events: list[tuple[float, Callable[[], object]]] = []

    def at(self, second: float, event: Callable[[], object]) -> None:
        self.events.append((START_S + second, event))

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        for when, event in [each for each in self.events if each[0] <= self.now_s]:
            self.events.remove((when, event))
            event()
        if not self.events:
            raise KeyboardInterrupt


class Runs:
    """What runs were asked for, and how they end."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.made: list[tuple[float, list[str]]] = []  # seconds, names
        self.ends: list[Exception | str] = []

    def index(self, arrived: SourcePile) -> RunReport:
        self.made.append((self.day.now_s - START_S, [source_name(source.uri) for source in arrived]))
        end = self.ends.pop(0) if self.ends else "finished"
        if isinstance(end, Exception):
            raise end
        return report_of("run").model_copy(update={"state": end})


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def runs(day: Day) -> Runs:
    return Runs(day)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def write(path: Path, content: bytes, day: Day, age_s: float = 100) -> None:
    path.write_bytes(content)
    os.utime(path, (day.now_s - age_s, day.now_s - age_s))


def watched(address: object, catalog: Catalog, settings: Settings, dataset: str | None = None) -> WatchedSource:
    return WatchedSource(IndexRequest(str(address), "unused", dataset=dataset), settings, catalog, FINGERPRINT)


def watch(feed: Feed, runs: Runs, day: Day, console: io.StringIO | None = None) -> bool:
    line = WatchLine(console or io.StringIO(), day.clock)
    return Watch("films", feed, runs.index, lambda: None, line, day.clock, day.sleep).until_interrupted()


def listing(archive: Archive, offline: Settings, day: Day) -> ListingFeed:
    return ListingFeed(watched(archive.folder, archive.catalog, offline), WatchSettings(every_s=EVERY_S), day.clock)


def test_what_arrives_is_one_run_and_nothing_new_is_none(
    archive: Archive, offline: Settings, day: Day, runs: Runs
) -> None:
    indexed = archive.indexed("known.mp4")
    bad = archive.file("bad.mp4")
    archive.failed(bad, span_index=2)
    write(archive.folder / "here.mp4", b"1", day)
    os.utime(archive.folder / "known.mp4", ns=(0, int(indexed.etag.partition("-")[0], 16)))
    day.at(130, lambda: [write(archive.folder / name, b"2", day) for name in ("b.mp4", "a.mkv", "notes.txt")])
    day.at(250, lambda: write(archive.folder / "bad.mp4", b"mended", day))
    day.at(310, lambda: write(archive.folder / "known.mp4", b"replaced", day))
    day.at(900, lambda: None)
    console = io.StringIO()

    assert watch(listing(archive, offline, day), runs, day, console) is False

    assert runs.made == [(0, ["here.mp4"]), (180, ["a.mkv", "b.mp4"]), (300, ["bad.mp4"]), (360, ["known.mp4"])]
    assert "watching films: 3 videos known, last looked " in console.getvalue()
    assert "next in 60 s\n" in console.getvalue()


def test_a_file_that_grows_is_taken_when_it_is_whole(archive: Archive, offline: Settings, day: Day, runs: Runs) -> None:
    for second in range(50, 200, 10):
        day.at(second, lambda size=second: write(archive.folder / "film.mp4", bytes(size), day, age_s=0))
    day.at(500, lambda: None)

    watch(listing(archive, offline, day), runs, day)

    assert runs.made == [(300, ["film.mp4"])]  # at 180 it was young, and at 240 another than at 180


def test_what_another_run_did_meanwhile_is_not_done_twice(
    archive: Archive, offline: Settings, day: Day, runs: Runs
) -> None:
    day.at(70, lambda: archive.indexed("theirs.mp4"))
    day.at(70, lambda: archive.failed(archive.file("failed.mp4")))
    day.at(300, lambda: None)
    feed = ListingFeed(
        watched(archive.folder, archive.catalog, offline.model_copy(update={"watch": WatchSettings(settle_s=0)})),
        WatchSettings(every_s=EVERY_S),
        lambda: day.now_s + 10 * DAY_S,
    )

    watch(feed, runs, day)

    assert (runs.made, feed.known) == ([], 2)


def test_what_a_dataset_has_not_got_comes_to_a_run(archive: Archive, offline: Settings, day: Day, runs: Runs) -> None:
    for name, dataset in (("in.mp4", "pilots"), ("out.mp4", None)):
        source = archive.indexed(name, dataset=dataset)
        os.utime(archive.folder / name, ns=(0, int(source.etag.partition("-")[0], 16)))
    day.at(130, lambda: None)
    source_of_set = watched(archive.folder, archive.catalog, offline, "pilots")

    watch(ListingFeed(source_of_set, WatchSettings(), lambda: day.now_s + 10 * DAY_S), runs, day)

    assert runs.made == [(0, ["out.mp4"])]


def test_an_outage_is_told_once_and_tried_again_with_growing_pauses(
    archive: Archive, offline: Settings, day: Day, runs: Runs
) -> None:
    away = archive.folder.with_name("unmounted")
    day.at(70, lambda: archive.folder.rename(away))
    day.at(4000, lambda: [away.rename(archive.folder), write(archive.folder / "new.mp4", b"1", day)])
    day.at(6000, lambda: None)
    console, looks = io.StringIO(), []
    feed = listing(archive, offline, day)

    class Noted:
        """The feed, with the times of its looks."""

        def __getattr__(self, name: str) -> object:
            return getattr(feed, name)

        def look(self) -> SourcePile:
            looks.append(day.now_s - START_S)
            return feed.look()

    watch(Noted(), runs, day, console)  # type: ignore[arg-type]

    while_away = [second for second in looks if 70 < second < 4000]
    assert 5 < len(while_away) < 25  # and not 65, as without growing pauses
    assert max(b - a for a, b in pairwise(while_away)) > 5 * EVERY_S
    assert [names for _, names in runs.made] == [["new.mp4"]]
    said = console.getvalue()
    assert said.count("The watch goes on, and tries again.") == 1
    assert said.count("films can be indexed again.") == 1
    assert f"The source {archive.folder} cannot be read" in said


def test_a_run_that_failed_is_made_again_and_one_that_cannot_succeed_ends_the_watch(
    archive: Archive, offline: Settings, day: Day, runs: Runs
) -> None:
    day.at(70, lambda: write(archive.folder / "a.mp4", b"1", day))
    day.at(9000, lambda: None)
    runs.ends = [IndexUnavailable("The index is away."), IndexUnavailable("The index is away."), ModelMissing("None.")]

    with pytest.raises(ModelMissing):
        watch(listing(archive, offline, day), runs, day)

    assert [names for _, names in runs.made] == [["a.mp4"]] * 3


def test_what_is_wrong_from_the_start_ends_the_watch(archive: Archive, offline: Settings, day: Day, runs: Runs) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        watch(ListingFeed(watched("/nowhere", archive.catalog, offline), WatchSettings(), day.clock), runs, day)
    write(archive.folder / "a.mp4", b"1", day)
    runs.ends = [IndexUnavailable("The index is away.")]
    with pytest.raises(IndexUnavailable):
        watch(listing(archive, offline, day), runs, day)


def test_ctrl_c_in_a_run_is_told_from_ctrl_c_while_waiting(
    archive: Archive, offline: Settings, day: Day, runs: Runs
) -> None:
    write(archive.folder / "a.mp4", b"1", day)
    runs.ends = ["interrupted"]
    assert watch(listing(archive, offline, day), runs, day) is True
    assert len(runs.made) == 1


def test_what_others_took_away_is_noticed_by_the_next_whole_look(
    archive: Archive, offline: Settings, day: Day, runs: Runs
) -> None:
    source = archive.indexed("film.mp4")
    video_id = identity.video_id("default", "film.mp4")
    day.at(70, lambda: archive.catalog.sources.forget(source.uri, video_id))
    day.at(DAY_S + 200, lambda: None)
    feed = ListingFeed(
        watched(archive.folder, archive.catalog, offline), WatchSettings(every_s=600), lambda: day.now_s + 10 * DAY_S
    )

    watch(feed, runs, day)

    assert runs.made == [(DAY_S, ["film.mp4"])]


class Bucket:
    """A bucket at moto's server, and a store in a folder."""

    def __init__(self, server: S3Server, offline: Settings, root: Path) -> None:
        self.server = server
        self.name = server.new_bucket()
        self.settings = offline.model_copy(update={"s3": server.settings})
        self.catalog = Catalog(DirectoryStore(root / "store"), "default")

    def put(self, key: str, content: bytes = b"film") -> None:
        self.server.client().put_object(Bucket=self.name, Key=key, Body=content)

    def source(self) -> WatchedSource:
        return watched(f"s3://{self.name}/films", self.catalog, self.settings)


@pytest.fixture
def bucket(moto_s3: S3Server, offline: Settings, tmp_path: Path) -> Bucket:
    return Bucket(moto_s3, offline, tmp_path)


def test_objects_that_arrive_in_a_bucket_are_found_by_listing(bucket: Bucket, day: Day, runs: Runs) -> None:
    day.at(70, lambda: [bucket.put("films/a.mp4"), bucket.put("other/b.mp4"), bucket.put("films/c.txt")])
    day.at(130, lambda: bucket.put("films/a.mp4", b"replaced"))
    day.at(400, lambda: None)

    watch(ListingFeed(bucket.source(), WatchSettings(every_s=EVERY_S), day.clock), runs, day)

    assert runs.made == [(120, ["a.mp4"]), (180, ["a.mp4"])]


class Told:
    """A watch by messages, one look at a time."""

    def __init__(self, bucket: Bucket, day: Day, runs: Runs) -> None:
        self.there = BucketQueue(bucket.server)
        self.there.is_told_by(bucket.name)
        settings = WatchSettings(gather_s=1)
        self.queue = SqsQueue(self.there.url, bucket.server.settings, settings.visibility_s)
        self.feed = QueueFeed(bucket.source(), self.queue, settings, day.clock)
        self.runs = runs

    def look(self) -> list[str]:
        """A look and the run that follows; gives what was new."""
        with contextlib.closing(self.feed.look()) as found:
            names = [source_name(source.uri) for source in found]
            if names:
                with self.feed.hold():
                    self.runs.index(found)
            self.feed.account(found)
            return names


def test_objects_are_found_by_the_messages_of_their_bucket(bucket: Bucket, day: Day, runs: Runs) -> None:
    bucket.put("films/before.mp4")
    told = Told(bucket, day, runs)
    assert told.look() == ["before.mp4"]  # the listing at the start
    assert told.there.counts() == (0, 0)  # the test event is gone too

    bucket.put("films/a b+c%20日.mp4")
    bucket.put("films/gone.mp4")
    bucket.put("films/.hidden.mp4")
    bucket.put("films/notes.txt")
    bucket.server.client().delete_object(Bucket=bucket.name, Key="films/gone.mp4")
    assert told.look() == ["a b+c%20日.mp4"]
    assert told.there.counts() == (0, 0)

    bucket.put("films/before.mp4", b"replaced")
    assert told.look() == ["before.mp4"]
    assert runs.made[1:] == [(0, ["a b+c%20日.mp4"]), (0, ["before.mp4"])]


def test_messages_stay_until_their_objects_are_accounted_for(bucket: Bucket, day: Day, runs: Runs) -> None:
    told = Told(bucket, day, runs)
    assert told.look() == []
    bucket.put("films/a.mp4")
    runs.ends = [IndexUnavailable("The index is away.")]

    with pytest.raises(IndexUnavailable):
        told.look()

    assert told.there.counts() == (0, 1)  # hidden until another look, by whoever it is, may take it


def test_messages_stay_hidden_while_a_run_works_on_their_objects(bucket: Bucket, day: Day, runs: Runs) -> None:
    settings = WatchSettings.model_construct(visibility_s=3, gather_s=1, whole_look_s=DAY_S)
    there = BucketQueue(bucket.server)
    queue = SqsQueue(there.url, bucket.server.settings, settings.visibility_s)
    feed = QueueFeed(bucket.source(), queue, settings, day.clock)
    feed.look()
    feed.account([])
    there.is_told_by(bucket.name)
    bucket.put("films/a.mp4")
    assert len(feed.look()) == 1

    with feed.hold():
        time.sleep(6)
        assert there.counts() == (0, 2)


def test_a_queue_that_cannot_be_used_ends_the_watch_at_once(bucket: Bucket, day: Day, runs: Runs) -> None:
    queue = SqsQueue(f"{bucket.server.settings.endpoint}/123456789012/nowhere", bucket.server.settings, 300)

    with pytest.raises(StoreError, match="There is no queue"):
        watch(QueueFeed(bucket.source(), queue, WatchSettings(), day.clock), runs, day)


def test_a_message_for_others_is_left_and_told(bucket: Bucket, day: Day, runs: Runs) -> None:
    told = Told(bucket, day, runs)
    told.look()
    bucket.put("elsewhere/a.mp4")
    told.there.send("what is this")
    told.there.send({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    bucket.put("films/mine.mp4")

    assert told.look() == ["mine.mp4"]

    assert told.there.counts() == (0, 2)
    assert told.feed.note.startswith("2 messages left in the queue that are not of this source")


def test_what_no_message_told_is_found_by_the_next_whole_look(bucket: Bucket, day: Day, runs: Runs) -> None:
    told = Told(bucket, day, runs)
    told.look()
    bucket.put("films/lost.mp4")
    told.there.client.purge_queue(QueueUrl=told.there.url)

    day.now_s += DAY_S

    assert told.look() == ["lost.mp4"]
    bucket.put("films/next.mp4")
    assert told.look() == ["next.mp4"]
