"""`footage index --watch`: what it is made of, and how it ends."""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from footage.errors import SettingsError

if TYPE_CHECKING:
    from footage.run_records import RunReport
    from footage.seen_sources import SourcePile
    from footage.settings import Settings
    from pipelines.index_request import IndexRequest
    from pipelines.watch_feeds import Feed
    from pipelines.watched_source import WatchedSource

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def seconds(text: str) -> float:
    """A time as users write it: `90`, `90s`, `5m`, `1h`.

    Raises:
        SettingsError: it is none, or not above zero.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None or found[2] not in _UNITS or not float(found[1]):
        raise SettingsError(f"--every {text} is no time: write 30s, 5m or 1h.")
    return float(found[1]) * _UNITS[found[2]]


def watch_source(
    request: "IndexRequest", settings: "Settings", events: str | None, show: Callable[["RunReport"], None]
) -> bool:
    """Index what arrives in the request's source until Ctrl-C or SIGTERM; gives whether that broke off a run.

    Args:
        request: of every run.
        settings: likewise.
        events: URL of a queue that the source's bucket sends its notifications to; None: it is listed.
        show: is given the report of each run.

    Raises:
        SettingsError: the source is not one that can be watched.
        FootageError: it does not work from the start, or a run says something that lasts.
    """
    from pipelines.index_run import run_index
    from pipelines.kept_ray import KeptRay
    from pipelines.run_start import start_of_run
    from pipelines.stopping import interrupted_by_sigterm
    from pipelines.watch import Watch
    from pipelines.watch_line import WatchLine
    from pipelines.watched_source import WatchedSource

    _check(request, events)
    start = start_of_run(request, settings)  # what a run would refuse is refused now, and not with the first video
    source = WatchedSource(request, settings, start.catalog, start.fingerprint)
    ray = KeptRay(settings.watch.keep_ray_s, time.monotonic)
    line = WatchLine(sys.stderr, time.time)

    def index(arrived: "SourcePile") -> "RunReport":
        line.end()
        report = run_index(replace(request, arrived=arrived), settings, session=ray.session)
        show(report)
        return report

    feed = _feed(source, settings, events)
    with interrupted_by_sigterm():
        try:
            watching = Watch(request.source_address, feed, index, ray.end_if_idle, line, time.time, time.sleep)
            is_broken_off = watching.until_interrupted()
        finally:
            ray.close()
    line.say(f"The watch of {request.source_address} has ended: {source.known} videos known.")
    return is_broken_off


def _check(request: "IndexRequest", events: str | None) -> None:
    from footage.s3_uri import is_s3
    from footage.sources import is_http

    source = request.source or ""
    if is_http(source):
        raise SettingsError(f"{source} is one video: --watch is for folders and buckets.")
    if request.only:
        raise SettingsError("--watch waits for new videos, and --only is for those that are indexed: run them apart.")
    if events is not None and not is_s3(source):
        raise SettingsError(f"--events are those of a bucket, and {source} is none.")


def _feed(source: "WatchedSource", settings: "Settings", events: str | None) -> "Feed":
    from footage.sqs_queue import SqsQueue
    from pipelines.watch_feeds import ListingFeed, QueueFeed

    if events is None:
        return ListingFeed(source, settings.watch, time.time)
    queue = SqsQueue(events, source.access.s3, settings.watch.visibility_s)
    return QueueFeed(source, queue, settings.watch, time.time)
