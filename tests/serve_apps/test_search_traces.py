"""A trace for each search that the service answers."""

import dataclasses

from footage.tracing import open_traces
from footage.tracing_settings import TracingSettings
from serve_apps.backend import Backend
from tests.collector import collector
from tests.serve_apps.served import client_of, open_api


def test_a_search_is_a_trace_of_its_parts(samples_backend: Backend) -> None:
    with collector() as found:
        traces = open_traces(TracingSettings(endpoint=found.url), "serve")
        client = client_of(open_api(dataclasses.replace(samples_backend, traces=traces)))
        answer = client.get("/v1/search", params={"q": "brake pads", "limit": 3})
        client.get("/v1/search", params={"q": "car"})
        client.get("/v1/datasets")
        traces.close()
    assert len(found.traces()) == 2
    request = answer.headers["X-Request-ID"]
    (spans,) = [of for of in found.traces().values() if of[0].attributes["footage.request"] == request]
    first, parts = next(each for each in spans if not each.parent), [each for each in spans if each.parent]
    took_ms = answer.json()["took_ms"]
    assert (first.name, first.attributes["footage.hits"]) == ("search", len(answer.json()["hits"]))
    assert {part.name: part.ended_ns - part.began_ns for part in parts} == {
        name: int(max(0, ms) * 1_000_000) for name, ms in took_ms.items()
    }
    assert [each.name for each in sorted(parts, key=lambda each: each.began_ns)] == ["encode", "index", "fuse", "read"]
    assert {each.parent for each in parts} == {first.span}
    assert (first.began_ns, first.ended_ns) == (parts[0].began_ns, parts[-1].ended_ns)
    assert {each.attributes["footage.workspace"] for each in spans} == {"default"}
    assert "brake" not in str(found.spans)  # what people look for is their own affair
