import asyncio
import json

import httpx2 as httpx
import pytest

from serve_apps.front_door import FrontDoor


async def _ask(app, wait_s=5.0, method="GET", path="/v1/search"):
    transport = httpx.ASGITransport(app=FrontDoor(app, wait_s))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path)


def _answering(status, kind, body=b"{}"):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    return app


async def _died(scope, receive, send):
    """What the proxy does when the process that had the request is gone."""


def _assert_refused(answer):
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    problem = json.loads(answer.content)
    assert problem["status"] == 503
    assert problem["detail"].endswith(".")


@pytest.mark.parametrize("status", [404, 408, 429, 500, 503])
def test_serves_own_plain_words_become_a_problem(status):
    _assert_refused(asyncio.run(_ask(_answering(status, b"text/plain; charset=utf-8", b"Request was dropped"))))


def test_a_process_that_died_with_a_request_is_a_problem_and_not_a_closed_connection():
    _assert_refused(asyncio.run(_ask(_died)))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, b"application/problem+json"), (503, b"application/problem+json"), (200, b"text/plain; version=1")],
)
def test_what_the_application_answers_passes_untouched(status, kind):
    answer = asyncio.run(_ask(_answering(status, kind, b"as it is")))

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (status, kind.decode(), b"as it is")


def test_who_reads_waits_no_longer_than_that_and_the_work_is_cancelled():
    cancelled = []

    async def waits(scope, receive, send):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(scope["path"])
            raise

    _assert_refused(asyncio.run(_ask(waits, wait_s=0.05)))
    assert cancelled == ["/v1/search"]


def test_a_change_may_take_its_time():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.2)
        await _answering(200, b"application/json")(scope, receive, send)

    answer = asyncio.run(_ask(slow, wait_s=0.05, method="DELETE", path="/v1/videos/x"))

    assert answer.status_code == 200


def test_an_answer_that_has_begun_may_take_its_time():
    async def long(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"all of it"})

    assert asyncio.run(_ask(long, wait_s=0.05)).content == b"all of it"


def test_what_serve_is_asked_by_load_balancers_is_left_to_it():
    answer = asyncio.run(_ask(_answering(503, b"text/plain", b"draining"), path="/-/healthz"))

    assert (answer.status_code, answer.content) == (503, b"draining")


def test_what_it_answers_itself_is_in_the_log(caplog):
    answer = asyncio.run(_ask(_died))

    assert f"{json.loads(answer.content)['instance']} GET /v1/search 503: no answer began" in caplog.text


def test_an_answer_has_one_name_which_is_the_applications():
    async def app(scope, receive, send):
        names = [(b"X-Request-ID", b"ours"), (b"x-other", b"1"), (b"x-request-id", b"of Serve")]
        await send({"type": "http.response.start", "status": 200, "headers": names})
        await send({"type": "http.response.body", "body": b""})

    answer = asyncio.run(_ask(app))

    assert answer.headers.multi_items() == [("x-request-id", "ours"), ("x-other", "1")]
    refused = asyncio.run(_ask(_died))
    assert refused.json()["instance"] == f"urn:uuid:{refused.headers['x-request-id']}"
