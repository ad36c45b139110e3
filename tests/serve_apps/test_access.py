import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from fastapi import Body, Depends, FastAPI, Request
from starlette.testclient import TestClient

from footage.api_keys import KeyBook, Role
from footage.errors import SettingsError, StoreUnavailable
from footage.serve_settings import ServeSettings
from serve_apps.access import FAILURES_PER_MINUTE, Access, Caller
from serve_apps.problems import install_handlers
from tests.memory_store import MemoryStore

MIB = 2**20


class Desk:
    """A small app with a route for each role, over a store in memory."""

    def __init__(self, open_workspace: str | None = None, store: MemoryStore | None = None, **settings: Any) -> None:
        self.store = MemoryStore() if store is None else store
        self.book = KeyBook(self.store)
        self.access = Access(self.store, ServeSettings(**{"key_cache_s": 0, **settings}), open_workspace)
        app = FastAPI()
        install_handlers(app)
        needs = {role: getattr(self.access, role) for role in ("reader", "editor", "admin")}
        for path, needed in {**needs, "media/{name}": self.access.signed_or_reader}.items():
            app.api_route(f"/{path}", methods=["GET", "POST", "DELETE"])(self._route(needed))
        app.post("/parsed")(_parsed)
        self.access.install(app)
        self.client = TestClient(app, base_url="http://localhost:8000", client=("127.0.0.1", 50000))

    def _route(self, needed: Any) -> Any:
        async def told(request: Request, caller: Annotated[Caller, Depends(needed)]) -> dict[str, Any]:
            return {"caller": [caller.workspace, caller.role, caller.key_id], "bytes": len(await request.body())}

        return told

    def key(self, role: Role = "reader", workspace: str = "studio", **more: Any) -> str:
        return self.book.create(workspace, role, datetime.now(UTC), **more).token

    def get(self, path: str, token: str | None = None, **headers: str) -> Any:
        sent = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.client.get(path, headers={**sent, **headers})


async def _parsed(content: Annotated[list[str], Body()]) -> int:
    return len(content)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def key_id(token: str) -> str:
    return token.split("_")[1]


def test_each_role_reaches_its_routes(desk: Desk) -> None:
    reached = {}
    for role in ("reader", "editor", "admin"):
        token = desk.key(role)
        for path in ("reader", "editor", "admin", "media/x"):
            answer = desk.get(f"/{path}", token)
            reached[role, path] = answer.status_code
            if answer.status_code == 403:
                assert (
                    answer.json()["detail"] == f"This needs a key with the role {path}, and yours has the role {role}."
                )
            else:
                assert answer.json()["caller"] == ["studio", role, key_id(token)]
    assert reached == {
        **{
            ("reader", path): code
            for path, code in (("reader", 200), ("editor", 403), ("admin", 403), ("media/x", 200))
        },
        **{
            ("editor", path): code
            for path, code in (("reader", 200), ("editor", 200), ("admin", 403), ("media/x", 200))
        },
        **{("admin", path): 200 for path in ("reader", "editor", "admin", "media/x")},
    }


def test_both_headers_carry_a_key(desk: Desk) -> None:
    token = desk.key()
    for headers in ({"X-API-Key": token}, {"Authorization": f"bearer {token}"}, {"Authorization": f"Bearer  {token} "}):
        assert desk.get("/reader", **headers).status_code == 200
    assert desk.get("/reader", token, **{"X-API-Key": token}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "There is no key with this request."),
        ({"Authorization": "Basic dTpw"}, "The scheme of Authorization is not Bearer."),
        ({"Authorization": "Bearer"}, "This key is not known."),
        ({"Authorization": "Bearer footage_x_y"}, "This key is not known."),
        ({"Authorization": f"Bearer footage_{'0' * 16}_{'a' * 43}"}, "This key is not known."),
        ({"X-API-Key": "\u00e4" * 40}, "This key is not known."),
        ({"X-API-Key": "a", "Authorization": "Bearer b"}, "There are several keys with this request."),
        ({"X-Workspace": "studio"}, "There is no key with this request."),
    ],
)
def test_without_a_good_key_nothing_is_reached(desk: Desk, headers: dict[str, str], says: str) -> None:
    desk.key()
    for path in ("/reader", "/editor", "/admin", "/media/x"):
        answer = desk.client.get(path, headers={name: value.encode("latin-1") for name, value in headers.items()})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.headers["www-authenticate"].startswith('Bearer realm="footage"')
        assert answer.json()["detail"].startswith(says)


def test_the_secret_of_another_key_opens_nothing(desk: Desk) -> None:
    one, two = desk.key(workspace="studio"), desk.key(workspace="annex")
    mixed = "_".join((*one.split("_")[:2], two.split("_", 2)[2]))
    assert desk.get("/reader", mixed).status_code == 401
    unknown = desk.get("/reader", one[:8] + "f" * 16 + one[24:])
    assert unknown.json() | {"instance": ""} == desk.get("/reader", mixed).json() | {"instance": ""}


def test_keys_end(desk: Desk) -> None:
    token = desk.key(lifetime_s=1e-6)
    answer = desk.get("/reader", token)
    assert (answer.status_code, answer.json()["detail"]) == (401, "This key has expired. Ask for a new one.")
    token = desk.key()
    assert desk.get("/reader", token).status_code == 200
    desk.book.revoke(key_id(token), datetime.now(UTC))
    answer = desk.get("/reader", token)
    assert (answer.status_code, answer.json()["detail"]) == (401, "This key was revoked. Ask for a new one.")


def test_a_key_is_looked_up_once_in_a_while() -> None:
    class Counting(MemoryStore):
        asked = 0

        def get(self, key: str) -> bytes:
            self.asked += key.startswith("keys/")
            return super().get(key)

    counting = Counting()
    desk = Desk(store=counting, key_cache_s=3600)
    token = desk.key()
    assert [desk.get("/reader", token).status_code for _ in range(3)] == [200] * 3
    assert counting.asked == 1
    desk.book.revoke(key_id(token), datetime.now(UTC))
    assert desk.get("/reader", token).status_code == 200  # until key_cache_s is over
    desk.access.forget(key_id(token))
    assert desk.get("/reader", token).status_code == 401
    unknown, asked = f"footage_{'0' * 16}_{'a' * 43}", counting.asked
    assert [desk.get("/reader", unknown).status_code for _ in range(3)] == [401] * 3
    assert counting.asked == asked + 1


def test_a_store_that_is_away_lets_nobody_in() -> None:
    class Away(MemoryStore):
        def get(self, key: str) -> bytes:
            if key.startswith("keys/"):
                raise StoreUnavailable("away")
            return super().get(key)

    desk = Desk(store=Away())
    token = desk.key()
    answer = desk.get("/reader", token)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def test_a_key_has_a_limit_and_is_told_of_it() -> None:
    desk = Desk(requests_per_minute=2)
    token, own, other = desk.key(), desk.key(requests_per_minute=3), desk.key()
    first = desk.get("/reader", token)
    assert (first.headers["ratelimit-policy"], first.headers["ratelimit"]) == ('"key";q=2;w=60', '"key";r=1;t=30')
    assert desk.get("/admin", token).status_code == 403  # counts as well
    answer = desk.get("/reader", token)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()["detail"] == "This key may make 2 requests a minute. Try again in 30 s."
    assert [desk.get("/reader", own).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert desk.get("/reader", other).status_code == 200
    assert "ratelimit" not in desk.get("/reader").headers


def test_a_signed_address_opens_one_path_and_no_other_route(desk: Desk) -> None:
    caller = Caller("studio", "admin", None)
    url = desk.access.sign("/media/x#t=1,2", caller).partition("#")[0]
    answer = desk.get(url)
    assert (answer.status_code, answer.json()["caller"]) == (200, ["studio", "reader", None])
    assert desk.get(url.replace("/media/x", "/media/y")).status_code == 401
    assert desk.get(url.replace("studio", "annex")).status_code == 401
    assert desk.get(url.replace("/media/x", "/reader")).status_code == 401  # a route that takes keys only
    assert desk.get("/media/x?workspace=studio", desk.key(workspace="annex")).status_code == 401
    signed = desk.access.sign("/reader", caller)
    assert desk.get(signed).status_code == 401


def test_an_address_ends_with_the_key(desk: Desk) -> None:
    over = datetime.now(UTC).isoformat()
    assert desk.get(desk.access.sign("/media/x", Caller("studio", "reader", "k", over))).status_code == 401


def test_the_open_mode_needs_no_key_and_keeps_pages_out() -> None:
    desk = Desk(open_workspace="studio")
    answer = desk.get("/admin", **{"X-Workspace": "annex"})
    assert answer.json()["caller"] == ["studio", "admin", None]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert desk.access.sign("/media/x#t=1", Caller("studio", "admin", None)) == "/media/x#t=1"
    assert desk.get("/media/x").status_code == 200
    refused = desk.get("/admin", host="evil.example")
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    crossing = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert desk.client.delete("/editor", headers=crossing).status_code == 403
    assert desk.client.delete("/editor", headers={"Origin": "http://localhost:8000"}).status_code == 200


def test_an_address_signed_for_another_workspace_is_not_taken_in_the_open_mode() -> None:
    desk = Desk()
    url = desk.access.sign("/media/x", Caller("annex", "reader", None))
    opened = Desk(open_workspace="studio", store=desk.store)  # so that both sign with the same secret
    assert opened.get(url).status_code == 401
    assert desk.get(url).status_code == 200


def test_all_pages_in_the_open_mode_are_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match=re.escape("serve.cors_origins is `*`")):
        Desk(open_workspace="studio", cors_origins=("*",))
    with pytest.raises(SettingsError, match="workspace"):
        Desk(open_workspace="../x")


def chunks(count: int, size: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * size


def test_bodies_are_counted_as_they_come() -> None:
    desk = Desk(max_body_mib=1 / 1024)
    sent = {"Authorization": f"Bearer {desk.key()}"}
    answers = [
        desk.client.post("/reader", headers=sent, content=body)
        for body in (b"x" * 1024, b"x" * 1025, chunks(4, 256), chunks(5, 256), chunks(1, 5000))
    ]
    assert [answer.status_code for answer in answers] == [200, 413, 200, 413, 413]
    assert answers[0].json()["bytes"] == answers[2].json()["bytes"] == 1024
    for answer in (answers[1], answers[3]):
        assert answer.json()["detail"] == "The body of a request may have 0.000976562 MiB at most."
        assert (answer.headers["content-type"], answer.headers["connection"]) == ("application/problem+json", "close")
    lying = desk.client.post("/reader", headers={**sent, "Content-Length": "9" * 5000}, content=b"")
    assert lying.status_code == 413


def test_a_body_that_is_cut_off_is_too_large_and_not_unreadable() -> None:
    desk, sent = Desk(max_body_mib=1 / 1024), {"Content-Type": "application/json"}
    assert desk.client.post("/parsed", headers=sent, content=iter([b'["a', b'"]'])).json() == 1
    answer = desk.client.post("/parsed", headers=sent, content=iter([b'["a', b"x" * 2000, b'"]']))
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_other_pages_may_not_call_unless_they_are_named() -> None:
    origin = {"Origin": "https://films.example"}
    preflight = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    shut, named = Desk(), Desk(cors_origins=("https://films.example",))
    for desk, allowed in ((shut, None), (named, "https://films.example")):
        answer = desk.get("/reader", desk.key(), **origin)
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
        asked = desk.client.options("/reader", headers=preflight)
        assert asked.headers.get("access-control-allow-origin") == allowed
        assert desk.get("/reader", **origin).headers.get("access-control-allow-origin") == allowed  # a refusal too
    elsewhere = {**preflight, "Origin": "https://evil.example"}
    assert "access-control-allow-origin" not in named.client.options("/reader", headers=elsewhere).headers


def test_the_open_mode_is_for_this_machine_whatever_the_host_says() -> None:
    desk = Desk(open_workspace="studio")
    elsewhere = TestClient(desk.client.app, base_url="http://localhost:8000", client=("10.0.0.7", 50000))
    assert (elsewhere.get("/reader").status_code, desk.get("/reader").status_code) == (403, 200)
    assert desk.get("/reader", **{"X-Forwarded-For": "10.0.0.7"}).status_code == 403


def test_an_address_that_sends_made_up_keys_costs_the_store_little_and_others_nothing() -> None:
    desk = Desk()
    token, fresh = desk.key(), desk.key()
    assert desk.get("/reader", token).status_code == 200
    answers = [desk.get("/reader", f"footage_{number:016x}_{'a' * 43}") for number in range(FAILURES_PER_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [401] * FAILURES_PER_MINUTE + [429]
    assert answers[-1].headers["retry-after"] == "60"
    assert desk.get("/reader", fresh).status_code == 429  # it has to be looked up
    assert desk.get("/reader", token).status_code == 200  # known before, although not remembered any more
    elsewhere = TestClient(desk.client.app, base_url="http://localhost:8000", client=("10.0.0.7", 50000))
    assert elsewhere.get("/reader", headers={"X-API-Key": fresh}).status_code == 200
