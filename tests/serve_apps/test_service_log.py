"""Lines of the service's log, as Serve writes them."""

import json
import logging
from collections.abc import Iterator

import pytest
from ray._common.formatters import JSONFormatter
from starlette.testclient import TestClient

from footage.settings import Settings
from serve_apps.service_log import log
from tests.memory_store import MemoryStore
from tests.serve_apps.served import client_of, open_api, store_backend


@pytest.fixture
def written() -> Iterator[list[str]]:
    """What a handler of Serve's writes while the test runs, each line by Serve's own JSON encoding."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, of_serve = Handler(), logging.getLogger("ray.serve")
    handler.setFormatter(JSONFormatter())
    level = of_serve.level
    of_serve.addHandler(handler)
    of_serve.setLevel(logging.INFO)
    yield lines
    of_serve.removeHandler(handler)
    of_serve.setLevel(level)


@pytest.fixture
def client() -> TestClient:
    return client_of(open_api(store_backend(MemoryStore(), Settings()), "films"))


def test_a_request_is_a_line_with_the_names_that_a_run_has(client: TestClient, written: list[str]) -> None:
    client.get("/v1/me", params={"sig": "topsecret"})
    answer = client.get("/v1/me")
    line = json.loads(written[-1])
    assert (line["level"], line["logger"], line["workspace"]) == ("INFO", "ray.serve.footage", "films")
    assert (line["request"], line["status"]) == (answer.headers["X-Request-ID"], 200)
    assert line["time"].endswith("+00:00")
    assert 0 < line["seconds"] < 60
    assert line["message"].startswith(f"urn:uuid:{line['request']} GET /v1/me 200 ")
    assert "topsecret" not in "".join(written)


def test_no_message_has_a_signed_address_whole(written: list[str]) -> None:
    log.warning("%s: %s", "The store does not answer", "GET https://b.example.org/a?X-Amz-Signature=topsecret failed")
    (line,) = written
    assert json.loads(line)["message"] == "The store does not answer: GET https://b.example.org/a?… failed"
