from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from footage import errors
from footage.serve_settings import ServeSettings
from serve_apps.access import Access
from serve_apps.api_types import Problem
from serve_apps.observing import Metrics, Observed
from serve_apps.problems import KINDS, HttpProblem, declared, install_handlers
from tests.memory_store import MemoryStore

PAGE = "https://films.example"

RAISED = {
    "settings": (errors.SettingsError("Say what to look for."), 400, "Say what to look for."),
    "installation": (
        errors.InstallationError("The settings s3 of 10.0.0.8 are wrong."),
        500,
        "The service failed on this request. Tell who runs it, with the `instance` of this answer.",
    ),
    "scene": (errors.NoSuchScene("No scene is called so."), 404, "No scene is called so."),
    "video": (errors.NoSuchVideo("No video is called so."), 404, "No video is called so."),
    "picture": (errors.UnreadablePicture("It is damaged."), 400, "It is damaged."),
    "no-picture": (errors.NoPicture("It is a text."), 415, "It is a text."),
    "large-picture": (errors.PictureTooLarge("It has 90 million pixels."), 413, "It has 90 million pixels."),
    "busy": (
        errors.IndexBusy("/srv/index is held by 17."),
        503,
        "The index does not answer now; ask again in a moment.",
    ),
    "index": (
        errors.IndexUnavailable("10.0.0.7 is away."),
        503,
        "The index does not answer now; ask again in a moment.",
    ),
    "store": (
        errors.StoreUnavailable("10.0.0.8 is away."),
        503,
        "The object store does not answer now; ask again in a moment.",
    ),
    "encoder": (
        errors.EncoderUnavailable("pid 9 is away."),
        503,
        "The encoder of queries does not answer now; ask again in a moment.",
    ),
    "own": (HttpProblem(429, "Too many requests", "Wait.", {"Retry-After": "7"}), 429, "Wait."),
    "fault": (
        RuntimeError("secret of the house"),
        500,
        "The service failed on this request. Tell who runs it, with the `instance` of this answer.",
    ),
    "lease": (
        errors.LeaseLost("run 7"),
        500,
        "The service failed on this request. Tell who runs it, with the `instance` of this answer.",
    ),
}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    install_handlers(app)

    @app.get("/v1/raise/{name}")
    def fail(name: str) -> None:
        raise RAISED[name][0]

    Access(MemoryStore(), ServeSettings(cors_origins=(PAGE,)), "studio").install(app)
    app.add_middleware(Observed, metrics=Metrics())
    here = {"base_url": "http://localhost", "client": ("127.0.0.1", 50000)}
    with TestClient(app, raise_server_exceptions=False, **here) as client:
        yield client


@pytest.mark.parametrize("name", RAISED)
def test_every_error_is_a_problem_with_a_sentence(client, name):
    _, status, detail = RAISED[name]
    answer = client.get(f"/v1/raise/{name}")
    problem = Problem.model_validate_json(answer.content)
    assert answer.status_code == problem.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.detail == detail
    assert problem.title == KINDS[status].title
    assert problem.type == f"/docs/problems#{status}"
    assert problem.instance == f"urn:uuid:{answer.headers['x-request-id']}"


@pytest.mark.parametrize("name", RAISED)
def test_every_error_has_the_headers_of_other_answers(client, name):
    headers = client.get(f"/v1/raise/{name}", headers={"Origin": PAGE}).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["access-control-allow-origin"] == PAGE


def test_a_fault_is_raised_again_for_the_log_of_the_server(client, caplog):
    answer = client.get("/v1/raise/fault")
    assert f"{answer.json()['instance']} RuntimeError: secret of the house" in caplog.text
    with pytest.raises(RuntimeError, match="secret of the house"):
        TestClient(client.app, base_url="http://localhost", client=("127.0.0.1", 50000)).get("/v1/raise/fault")


def test_an_outage_and_a_limit_say_when_to_come_back(client):
    assert client.get("/v1/raise/busy").headers["retry-after"] == "2"
    assert client.get("/v1/raise/own").headers["retry-after"] == "7"


def test_what_is_kept_from_the_client_is_in_the_log(client, caplog):
    answer = client.get("/v1/raise/busy")
    assert "held by 17" not in answer.text
    assert f"{answer.json()['instance']} IndexBusy: /srv/index is held by 17." in caplog.text


def test_a_route_that_is_not_there_and_a_method_that_it_has_not(client):
    absent, wrong = client.get("/nowhere"), client.post("/v1/raise/busy")
    assert (absent.status_code, absent.json()["detail"]) == (
        404,
        "There is no /nowhere here; /docs lists what there is.",
    )
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert wrong.json()["title"] == "Method not allowed"


def test_a_declaration_has_all_that_a_problem_has():
    example = declared(404)[404]["content"]["application/problem+json"]["example"]
    assert Problem.model_validate(example).status == 404
    assert set(declared(404)) == {404, 422, 500}
