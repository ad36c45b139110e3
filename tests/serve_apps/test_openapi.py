"""What the API says of itself is what it does, whatever is asked."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from actors.model_preparation import PreparedModels
from footage.settings import Settings
from serve_apps.access import Access
from serve_apps.api import make_api
from tests.serve_apps.served import client_of, embedded_backend

EXAMPLES_EACH = 15  # of a route: a second or so


class Described:
    """The API with keys, over a store that may be written to, and one of its videos and scenes."""

    def __init__(self, client: TestClient, token: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}
        hit = client.get("/v1/search", params={"q": "brake pads"}, headers=self.headers).json()["hits"][0]
        self.ids = {"video_id": hit["video_id"], "scene_id": hit["scene_id"]}


@pytest.fixture(scope="module")
def described(
    indexed_samples: Path, tmp_path_factory: pytest.TempPathFactory, offline: Settings, prepared: PreparedModels
) -> Iterator[Described]:
    store = tmp_path_factory.mktemp("described") / "store"
    shutil.copytree(indexed_samples, store)
    serve = offline.serve.model_copy(update={"requests_per_minute": 1_000_000})
    with embedded_backend(store, offline.model_copy(update={"serve": serve}), prepared) as backend:
        access = Access(backend.store, serve, None)
        key = access.keys.create("default", "admin", datetime.now(UTC))
        with client_of(make_api(backend, access)) as client:
            yield Described(client, key.token)


@pytest.fixture(scope="module")
def api_schema(described: Described) -> Any:
    schema = schemathesis.openapi.from_asgi("/openapi.json", described.client.app)

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        """Half of the ids that could be one are: else nothing but 404 would come."""
        if path_parameters and context.operation.method == "get":
            for name, real in described.ids.items():
                if str(path_parameters.get(name, ""))[-1:] in set("02468ace"):
                    path_parameters[name] = real
        return path_parameters

    @schema.hook
    def map_query(context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
        """Mostly without a cursor, as one that is made up is all that a request fails on."""
        if query and len(str(query.get("cursor"))) % 4:
            query.pop("cursor", None)
        return query

    return schema


# Not through schemathesis' own plugin, which this pytest is too new for.
def test_every_route_answers_as_it_is_described(
    api_schema: Any, described: Described, subtests: pytest.Subtests
) -> None:
    for found in api_schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES_EACH,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategies.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)))
        def asked(case: Any) -> None:
            # That check wants 2xx for what the schema allows; it cannot say that a search looks for something, for one.
            case.call_and_validate(headers=described.headers, excluded_checks=[positive_data_acceptance])

        with subtests.test(operation.label):
            asked()


def test_every_answer_in_json_has_an_example_and_every_route_its_problems(described: Described) -> None:
    document = described.client.app.openapi()  # type: ignore[attr-defined]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert "application/problem+json" in answers["422"]["content"], path
            well = answers.get("200") or answers["201"]
            for media_type, content in well["content"].items():
                if media_type == "application/json" and "schema" in content:
                    model = content["schema"]["$ref"].rpartition("/")[2]
                    jsonschema.validate(content["example"], {**document, "$ref": f"#/components/schemas/{model}"})
