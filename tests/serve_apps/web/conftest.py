"""The page in Debian's Chromium, over the whole API and the indexed samples. Without a Chromium these tests fail."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.catalog_records import Lease, RunCounts
from footage.dataset_changes import join_dataset
from footage.quarantine import quarantine_record
from footage.settings import Settings
from footage.storage import ObjectStore
from footage.timestamps import stamp
from serve_apps.backend import Backend
from tests.serve_apps.served import embedded_backend, open_api, running
from tests.serve_apps.web.site import Site, Watched, watch
from tests.spans import claim_of, source_of

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--mute-audio", "--autoplay-policy=no-user-gesture-required"),
)
IMAGES = Path(__file__).parents[3] / "docs" / "images"
RUN_ID = "20260101T120000-abcdef"
DASHBOARD = "http://127.0.0.1:8265/#/jobs/job-20260101T120000-abcdef"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the browser is marked so."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def page_backend(
    indexed_samples: Path, tmp_path_factory: pytest.TempPathFactory, offline: Settings, prepared: PreparedModels
) -> Iterator[Backend]:
    """The samples with a dataset, a video in quarantine, and a run under way. Tests do not change it."""
    store = tmp_path_factory.mktemp("page") / "store"
    shutil.copytree(indexed_samples, store)
    with embedded_backend(store, offline, prepared) as backend:
        make_lively(backend.store)
        yield backend


@pytest.fixture(scope="package")
def site(page_backend: Backend) -> Iterator[Site]:
    """That, served without keys."""
    with running(open_api(page_backend)) as url:
        yield Site(url, page_backend.catalog("default"))


def make_lively(store: ObjectStore) -> None:
    """Add what an index run leaves behind, and one that goes on."""
    catalog = Catalog(store, "default")
    for manifest in filter(None, map(catalog.manifest, catalog.video_ids())):
        if manifest.sources[0].uri.endswith(("coast.mp4", "portrait.mp4")):
            join_dataset(catalog, "outdoors", manifest.video_id)
    catalog.put_quarantine(
        quarantine_record(
            RUN_ID,
            "default",
            source_of("interview_raw"),
            None,
            None,
            "truncated_video",
            "The data ends after 12.4 s of the 61.0 s that the container says it has.",
            "f",
            None,
        )
    )
    counts = RunCounts(
        videos_found=12, videos_done=7, videos_quarantined=1, media_s=861.0, bytes_done=610, bytes_total=1000
    )
    now = datetime.now(UTC)
    lease = Lease(
        run_id=RUN_ID,
        workspace="default",
        dashboard_url=DASHBOARD,
        what="footage index",
        source="/films/autumn",
        host="studio",
        pid=1,
        nonce="n",
        started_at=stamp(now),
        expires_at=stamp(now, 3600),
        counts=counts,
    )
    assert catalog.leases.create(lease)
    assert catalog.claims.create(claim_of("market_square", 3, run_id=RUN_ID))


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser without a past, as wide as a desk's."""
    opened = chromium.new_context(
        viewport={"width": 1280, "height": 860}, reduced_motion="reduce", locale="en-GB", timezone_id="UTC"
    )
    opened.set_default_timeout(10_000)
    yield opened
    opened.close()


@pytest.fixture
def watched(context: BrowserContext) -> Iterator[Watched]:
    """A tab of which everything is noted that should not happen; the test fails if any of it did."""
    seen = watch(context.new_page())
    yield seen
    assert seen.unexpected() == []


@pytest.fixture
def page(watched: Watched) -> Page:
    """The tab."""
    return watched.page


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: into the docs if FOOTAGE_SCREENSHOTS is set, else away."""
    folder = IMAGES if os.environ.get("FOOTAGE_SCREENSHOTS") else tmp_path_factory.mktemp("images")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
