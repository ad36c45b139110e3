"""Addresses that lead from our page to Ray's dashboard, and back."""

from urllib.parse import quote, urlsplit


def page_of_runs(public_url: str) -> str:
    """Where our page shows the videos and the runs under way; empty without an address of the service."""
    return f"{public_url.rstrip('/')}/?view=library" if public_url else ""


def job_page(dashboard_url: str, job: str) -> str:
    """Where Ray's dashboard shows a job; empty without an address of the dashboard.

    Args:
        dashboard_url: such as http://head:8265.
        job: Ray's id of a driver, or of a submission.
    """
    return f"{dashboard_url.rstrip('/')}/#/jobs/{quote(job, safe='')}" if dashboard_url else ""


def is_web_address(address: str) -> bool:
    """Whether a link may lead there: an address of http(s), and no script."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
