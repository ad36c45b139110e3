"""From a run that goes on to its page on Ray's dashboard: who gets the address, and which."""

from datetime import UTC, datetime

import pytest

from footage.api_keys import Role
from footage.catalog import Catalog
from footage.leases import RunLease
from footage.page_links import job_page, page_of_runs
from footage.settings import Settings
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.api_types import JobList
from tests.memory_store import MemoryStore
from tests.serve_apps.served import client_of, store_backend

PAGE = "https://ray.example.org/#/jobs/job-1"


def _shown(role: Role, dashboard_url: str) -> str | None:
    """What a key with this role is told of a run at this address."""
    store = MemoryStore()
    lease = RunLease(Catalog(store, "films"), "run-1", "footage index /films", "/films", 3600, "job-1")
    lease.dashboard_url = dashboard_url
    lease.take(datetime.now(UTC))
    backend = store_backend(store, Settings())
    access = Access(store, backend.settings.serve, None)
    key = access.keys.create("films", role, datetime.now(UTC))
    answer = client_of(make_api(backend, access)).get("/v1/jobs", headers={"X-API-Key": key.token})
    (job,) = JobList.model_validate_json(answer.content).jobs
    return job.dashboard_url


@pytest.mark.parametrize(("role", "shown"), [("reader", None), ("editor", None), ("admin", PAGE)])
def test_only_administrators_are_led_to_the_dashboard(role: Role, shown: str | None) -> None:
    assert _shown(role, PAGE) == shown


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "data:text/html,x", "//ray/#/jobs/x", "https:///x"])
def test_what_is_no_web_address_is_no_link(address: str) -> None:
    assert _shown("admin", address) is None


def test_addresses_of_both_pages() -> None:
    assert job_page("http://head:8265/", "job-20261122T193000-a1b2c3") == (
        "http://head:8265/#/jobs/job-20261122T193000-a1b2c3"
    )
    assert page_of_runs("https://footage.example.org/") == "https://footage.example.org/?view=library"
    assert (job_page("", "job-1"), page_of_runs("")) == ("", "")
