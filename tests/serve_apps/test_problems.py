from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from footage import errors
from serve_apps.api_types import Problem
from serve_apps.observing import Metrics, Observed
from serve_apps.problems import KINDS, HttpProblem, declared, install_handlers

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

    @app.get("/raise/{name}")
    def fail(name: str) -> None:
        raise RAISED[name][0]

    app.add_middleware(Observed, metrics=Metrics())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", RAISED)
def test_every_error_is_a_problem_with_a_sentence(client, name):
    _, status, detail = RAISED[name]
    answer = client.get(f"/raise/{name}")
    problem = Problem.model_validate_json(answer.content)
    assert answer.status_code == problem.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.detail == detail
    assert problem.title == KINDS[status].title
    assert problem.type == f"/docs/problems#{status}"
    assert problem.instance.startswith("urn:uuid:")


def test_an_outage_and_a_limit_say_when_to_come_back(client):
    assert client.get("/raise/busy").headers["retry-after"] == "2"
    assert client.get("/raise/own").headers["retry-after"] == "7"


def test_what_is_kept_from_the_client_is_in_the_log(client, caplog):
    answer = client.get("/raise/busy")
    assert "held by 17" not in answer.text
    assert f"{answer.json()['instance']} IndexBusy: /srv/index is held by 17." in caplog.text


def test_a_route_that_is_not_there_and_a_method_that_it_has_not(client):
    absent, wrong = client.get("/nowhere"), client.post("/raise/busy")
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
