"""A whole run over a bucket whose service throttles, breaks connections, is slow, or goes away."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footage.catalog import Catalog
from footage.errors import FootageError
from footage.settings import Settings
from footage.store_address import open_store
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index
from tests.fault_proxy import FaultProxy, Faults, fault_proxy
from tests.qdrant_server.server import QdrantServer
from tests.s3_servers import S3Server

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.usefixtures("prepared"), pytest.mark.timeout(600)]
CLIPS = ("coast.mp4", "shapes_silent.mp4", "window.mp4", "portrait.mp4")
ROUGH = Faults(slow_down=0.08, resets=0.05, lost_answers=0.03, cut_bodies=0.1, trickle=0.05)


class Shop:
    """Videos and records in buckets behind a proxy, and an index."""

    def __init__(self, server: S3Server, proxy: FaultProxy, clips: Path, settings: Settings, qdrant_url: str) -> None:
        self.proxy = proxy
        videos, records = server.new_bucket(), server.new_bucket()
        for name in CLIPS:
            server.client().put_object(Bucket=videos, Key=name, Body=(clips / name).read_bytes())
        s3 = server.settings.model_copy(
            update={"endpoint": proxy.url, "max_attempts": 8, "read_timeout_s": 10, "connect_timeout_s": 3}
        )
        # short: this process lives on, so that the next run has to wait for the lease of the one that was cut off
        sizes = settings.pipeline.model_copy(update={"lease_s": 6})
        self.settings = settings.model_copy(update={"s3": s3, "pipeline": sizes})
        self.request = IndexRequest(f"s3://{videos}", f"s3://{records}/store", qdrant_url)
        self.catalog = Catalog(open_store(self.request.store_address, server.settings), "default")

    def patience(self, attempts: int) -> Settings:
        """Settings with fewer tries."""
        s3 = self.settings.s3.model_copy(update={"max_attempts": attempts})
        return self.settings.model_copy(update={"s3": s3})


@pytest.fixture
def shop(moto_s3: S3Server, clips: Path, uncaptioned: Settings, tmp_path: Path) -> Iterator[Shop]:
    with fault_proxy(moto_s3.settings.endpoint, seed=7) as proxy, QdrantServer(tmp_path / "qdrant") as server:
        yield Shop(moto_s3, proxy, clips, uncaptioned, server.url)


def test_a_rough_store_costs_retries_and_a_store_that_goes_away_costs_the_run_only(shop: Shop) -> None:
    gone = threading.Thread(target=_away_after_the_first_video, args=(shop,), daemon=True)
    gone.start()

    with pytest.raises(FootageError, match=r"does not answer.* the next run goes on from there") as ended:
        run_index(shop.request, shop.patience(attempts=2))

    gone.join()
    assert "\n" not in str(ended.value)
    shop.proxy.faults = Faults()
    done_before = len(list(shop.catalog.manifests()))
    assert (done_before, list(shop.catalog.quarantine())) == (1, [])

    shop.proxy.faults = ROUGH
    report = run_index(shop.request, shop.settings)

    assert [(record.code, record.reason) for record in report.quarantined] == []
    # Where the store went away between the first video's manifest and its source's record, the source is read again.
    assert (report.videos_done, report.videos_skipped + report.videos_duplicate) == (3, 1)
    injected = shop.proxy.injected()
    assert min(injected["slow_down"], injected["cut_bodies"], injected["resets"] + injected["lost_answers"]) > 0
    assert report.store_retries > 0
    assert len(list(shop.catalog.manifests())) == len(CLIPS)


def _away_after_the_first_video(shop: Shop) -> Any:
    while not any(shop.catalog.manifests()):
        time.sleep(0.1)
    shop.proxy.faults = Faults(outage=True)
