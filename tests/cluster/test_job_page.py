"""From a job's page on Ray's dashboard to ours."""

from cluster.job_submission import JobRequest, submission
from footage.serve_settings import ServeSettings
from footage.settings import Settings

REQUEST = JobRequest("s3://films", "s3://store/footage", "http://qdrant:6334", "gpu")


def _metadata(public_url: str) -> dict[str, str]:
    settings = Settings(serve=ServeSettings(public_url=public_url))
    return submission(REQUEST, "job-1", settings, {}, {}, in_image=True).metadata


def test_a_job_says_first_where_our_page_is() -> None:
    name, address = next(iter(_metadata("https://footage.example.org/").items()))
    assert (name, address) == ("footage_page", "https://footage.example.org/?view=library")


def test_without_an_address_of_the_service_it_says_nothing() -> None:
    assert "footage_page" not in _metadata("")
