"""A key reaches nothing of another workspace, and learns nothing of it; see tenants.py."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from footage.api_keys import ROLES, permits
from footage.settings import Settings
from tests.memory_folder import memory_folder
from tests.serve_apps.routes_asked import ROUTES, Ask, each_ask, is_page, routes_of
from tests.serve_apps.tenants import OTHER, Service, Tenants, make_stores, plain, tenant_settings

NOBODY, NOTHING = "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"
HEADERS = (
    *({"X-Workspace": OTHER}, {"Workspace": OTHER}, {"X-Tenant": OTHER}, {"Cookie": f"workspace={OTHER}"}),
    *(
        {"Host": f"{OTHER}.footage.example"},
        {"X-Forwarded-Host": f"{OTHER}.footage.example"},
        {"X-Forwarded-User": OTHER},
    ),
    *({"Forwarded": "for=127.0.0.1;host=localhost"}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Prefix": "/v1"}),
)


@contextmanager
def served(root: Path, settings: Settings) -> Iterator[Tenants]:
    """Both services, in an empty folder."""
    own, other = make_stores(root)
    with ExitStack() as stack:
        both, alone = (Service(root / name, tenant_settings(settings), stack) for name in ("both", "alone"))
        yield Tenants(both, alone, own, other)


@pytest.fixture(scope="module")
def tenants(offline: Settings) -> Iterator[Tenants]:
    """Of the other workspace nobody may change anything."""
    with memory_folder() as root, served(root, offline) as tenants:
        yield tenants


@pytest.fixture
def fresh(tmp_path: Path, offline: Settings) -> Iterator[Tenants]:
    """For what removes things."""
    with served(tmp_path, offline) as tenants:
        yield tenants


def test_every_route_is_asked(tenants: Tenants) -> None:
    found = {route for route in routes_of(tenants.both.app) if not is_page(route)}
    assert found == set(ROUTES)


def test_each_route_needs_its_role(tenants: Tenants) -> None:
    # By the role alone, whatever is asked for: what is not there and what is another's are refused alike.
    for method, template, ask in each_ask():
        if ask.needs is None:
            continue
        path, more = ask.sent(template, tenants.other)
        answer = tenants.same(method, path, **more)
        assert (answer.status_code, "www-authenticate" in answer.headers) == (401, True), f"{method} {path}"
        for role in ROLES:
            status = tenants.same(method, path, tenants.own.tokens[role], **more).status_code
            assert (status == 403) == (not permits(role, ask.needs)), f"{method} {path} {role}: {status}"
            assert status != 401


def test_what_another_workspace_has_is_as_if_it_were_not(tenants: Tenants) -> None:
    own, other = tenants.own, tenants.other
    before = tenants.both.held_by(OTHER)
    for method, template, ask in each_ask():
        for values in (other, own):
            if values is own and method == "DELETE":
                continue
            path, more = ask.sent(template, values)
            answer = tenants.same(method, path, own.tokens["admin"], **more)
            tenants.same(method, path, **more)
            if values is own:
                assert answer.status_code == ask.status, f"{method} {path} {more}: {answer.text}"
    assert tenants.both.held_by(OTHER) == before
    assert before["points"]


def test_ids_of_others_are_like_ids_of_nobody(tenants: Tenants) -> None:
    own, other = tenants.own, tenants.other
    nobody = other._replace(video=NOBODY, scene=NOTHING, dataset="nowhere", word="nowhere", language="de", key="0" * 16)
    for method, template, ask in each_ask():
        if ask.sent(template, other) == ask.sent(template, nobody):
            continue
        said = []
        for values in (other, nobody):
            path, more = ask.sent(template, values)
            text = str(plain(tenants.both.ask(method, path, own.tokens["admin"], **more))[::2])
            for value in (values.video, values.scene, values.key, values.word):  # a dataset is called by the word
                text = text.replace(value, "X")
            said.append(text)
        assert said[0] == said[1]


def test_its_owner_reaches_all_of_it(fresh: Tenants) -> None:
    # Else what is shown above would be shown by requests that nobody gets an answer to.
    own, other, both = fresh.own, fresh.other, fresh.both
    for method, template, ask in each_ask():
        path, more = ask.sent(template, other)
        stranger = plain(both.ask(method, path, own.tokens["admin"], **more))
        owner = both.ask(method, path, other.tokens["admin"], **more)
        assert owner.status_code == ask.status, f"{method} {path} {more}: {owner.text}"
        if ask.status == 200 and ask.needs is not None and method != "HEAD" and template != "/metrics":
            assert plain(owner) != stranger, f"{method} {path} {more}"
    left = both.held_by(OTHER)["objects"]
    assert not any(other.video in key for key in left if not key.startswith(("audit/", "runs/")))


def test_headers_do_not_change_who_asks(tenants: Tenants) -> None:
    own = tenants.own
    for method, template, ask in (("GET", "/v1/me", Ask("reader")), ("GET", "/v1/videos", Ask("reader"))):
        for values in (own, tenants.other):
            path, more = ask.sent(template, values)
            plainly = plain(tenants.both.ask(method, path, own.tokens["reader"], **more))
            for headers in HEADERS:
                answer = tenants.both.ask(method, path, own.tokens["reader"], headers=headers, **more)
                assert plain(answer) == plainly, headers
    # Nor do they ask for something else, or do it with another method.
    hidden = f"/v1/videos/{tenants.other.video}"
    for headers in ({"X-Original-URL": hidden}, {"X-Rewrite-URL": hidden}, {"X-HTTP-Method-Override": "DELETE"}):
        answer = tenants.both.ask("GET", f"/v1/videos/{own.video}", own.tokens["admin"], headers=headers)
        assert (answer.status_code, answer.json()["video_id"]) == (200, own.video)


def test_figures_are_not_for_who_says_to_be_here(tenants: Tenants) -> None:
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Host": "localhost"}, {"Forwarded": "for=127.0.0.1"}):
        assert tenants.both.ask("GET", "/metrics", headers=headers).status_code == 401
        assert tenants.both.ask("GET", "/metrics", tenants.own.tokens["reader"], headers=headers).status_code == 403
    tenants.both.ask("GET", "/v1/search", tenants.other.tokens["reader"], params={"q": tenants.other.word})
    tenants.both.ask("GET", f"/v1/videos/{tenants.other.video}", tenants.other.tokens["reader"])
    figures = tenants.both.ask("GET", "/metrics", tenants.own.tokens["admin"]).text
    assert "footage_http_requests_total" in figures
    assert not any(value in figures for value in (OTHER, *tenants.other[:5]))


def test_paths_lead_nowhere_else(tenants: Tenants) -> None:
    own, other = tenants.own, tenants.other
    tries = [
        *(f"/v1/media/{own.video}/../{other.video}", f"/v1/media/%2e%2e/{OTHER}/{other.video}"),
        *(f"/v1/media/..%2f{OTHER}%2f{other.video}", f"/v1/media/{own.video}%2f..%2f..%2f{OTHER}%2f{other.video}"),
        *(f"/v1/media/{own.video}/{other.scene}.jpg", f"/v1/media/{other.video}/{own.scene}.jpg"),
        *(f"/v1/media/{own.video}/{other.scene}.json", f"/v1/media/{other.video}/{own.scene}.json"),
        *(f"/v1/media/{own.video}/..%2f{other.video}%2f{other.scene}.jpg", f"/v1/media/{other.video}%00"),
        *(f"/v1/media/{own.video}/%2e%2e%2f{other.video}%2f{other.scene}.json", f"/v1/videos/..%5c{OTHER}"),
        *(f"/v1/videos/{other.video.upper()}", f"/v1/videos/{other.video}%0a", f"/v1/videos/{other.video}%20"),
        *(f"/v1/videos/{{{other.video}}}", f"/v1/videos/urn:uuid:{other.video}", f"/v1/videos/{other.video}/"),
        *(f"/v1/videos//{other.video}", f"/v1//videos/{other.video}", f"/v1/videos/{other.video};x", "/v1/videos/*"),
        *(f"/v1/videos/{other.video.replace('-', '')}", f"/v1/videos/%EF%BC%90{other.video[1:]}", "/v1/videos/%ff"),
        *(f"/v1/scenes/{other.scene}%00", f"/v1/scenes/..%2f{other.scene}", f"/v1/videos/{OTHER}%2f{other.video}"),
        *(f"/v1/videos/{own.video}/../{other.video}/scenes", f"/v1/videos/%c0%ae%c0%ae%2f{OTHER}"),
        *(f"/static/..%2f..%2f..%2f{OTHER}", "/static/%2e%2e%2f%2e%2e%2fpyproject.toml", "/docs/..%2f..%2faccess.py"),
        *(f"//{OTHER}/v1/me/x", f"/v1/keys/..%2f{other.key}", f"/v1/datasets/..%2f{OTHER}/videos/{other.video}"),
    ]
    for path in tries:
        said = [service.raw(path.encode(), own.tokens["admin"]) for service in (tenants.both, tenants.alone)]
        for status, body in said:
            assert status in (307, 404, 405), path
            assert tenants.other.word.encode() not in body
        assert said[0][0] == said[1][0], path
    before = tenants.both.held_by(OTHER)
    for method in ("DELETE", "PUT"):
        for path in (*tries, f"/v1/datasets/{other.dataset}/videos/..%2f{OTHER}%2f{other.video}"):
            assert tenants.both.raw(path.encode(), own.tokens["admin"], method)[0] in (307, 400, 404, 405), path
    assert tenants.both.held_by(OTHER) == before


def test_cursors_of_others_are_refused(tenants: Tenants) -> None:
    own, other, both = tenants.own, tenants.other, tenants.both
    pages = {
        "/v1/search": {"q": "red car", "limit": "1"},
        f"/v1/scenes/{other.scene}/similar": {"limit": "1"},
        "/v1/videos": {"limit": "1"},
        f"/v1/videos/{other.video}/scenes": {"limit": "1"},
        "/v1/audit": {"limit": "1"},
    }
    for path, query in pages.items():
        if path == "/v1/audit":
            both.ask("POST", "/v1/keys", other.tokens["admin"], json={"role": "reader"})
        first = both.ask("GET", path, other.tokens["admin"], params=query)
        cursor = first.json()["next_cursor"]
        assert cursor, path
        following = {**query, "cursor": cursor}
        assert both.ask("GET", path, other.tokens["admin"], params=following).status_code == 200
        mine = path.replace(other.scene, own.scene).replace(other.video, own.video)
        assert tenants.same("GET", mine, own.tokens["admin"], params=following).status_code == 400
        assert tenants.same("GET", path, own.tokens["admin"], params=following).status_code in (400, 404)
        made_up = {**query, "cursor": "AAAA" + cursor[4:]}
        refusals = [both.ask("GET", mine, own.tokens["admin"], params=sent) for sent in (following, made_up)]
        assert plain(refusals[0]) == plain(refusals[1])


def addresses(service: Service, token: str) -> list[str]:
    """Of the first hit of a search: paths with signatures."""
    hit = service.ask("GET", "/v1/search", token, params={"q": "red car"}).json()["hits"][0]
    return [hit[name].partition("#")[0] for name in ("thumbnail_url", "play_url", "sidecar_url")]


def test_an_address_opens_its_object_and_no_other(tenants: Tenants) -> None:
    own, other, both = tenants.own, tenants.other, tenants.both
    mine, theirs = addresses(both, own.tokens["reader"]), addresses(both, other.tokens["reader"])
    assert [both.ask("GET", url).status_code for url in (*mine, *theirs)] == [200] * 6
    for own_url, other_url in zip(mine, theirs, strict=True):
        own_parts, other_parts = urlsplit(own_url), urlsplit(other_url)
        swapped = [
            f"{other_parts.path}?{own_parts.query}",
            f"{own_parts.path}?{other_parts.query}",
            other_url.replace(f"workspace={OTHER}", "workspace=studio"),
            own_url.replace("workspace=studio", f"workspace={OTHER}"),
            f"{other_parts.path}?{own_parts.query}&workspace={OTHER}",
            f"{other_parts.path}?workspace={OTHER}",
            f"{other_parts.path}?expires=99999999999&workspace={OTHER}&signature=",
            f"{other_parts.path}?{own_parts.query.replace('expires=', 'expires=9')}",
        ]
        for url in swapped:
            for token in (None, own.tokens["admin"]):  # a key does not make a wrong address right
                answer = tenants.same("GET", url, token)
                assert answer.status_code == 401, url
    query = urlsplit(theirs[0]).query
    for path in (f"/v1/videos/{other.video}", "/v1/videos", "/v1/search", f"/v1/scenes/{other.scene}", "/v1/me"):
        assert both.ask("GET", f"{path}?{query}").status_code == 401
    for method, path in (("DELETE", f"/v1/videos/{other.video}"), ("GET", "/v1/keys"), ("GET", "/v1/audit")):
        assert both.ask(method, f"{path}?{query}").status_code == 401


def test_all_addresses_of_an_answer_are_of_the_workspace(tenants: Tenants) -> None:
    for method, template, ask in each_ask():
        if method == "GET" and ask.needs == "reader":
            path, more = ask.sent(template, tenants.own)
            text = tenants.both.ask(method, path, tenants.own.tokens["reader"], **more).text
            assert set(re.findall(r"workspace=(\w+)", text)) <= {"studio"}
            assert tenants.other.word not in text
