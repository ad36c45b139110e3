from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.datastructures import QueryParams

from serve_apps.signed_urls import SECRET_KEY, UrlSigner, derived, service_secret
from tests.memory_store import MemoryStore

NOW = 1_000_000.0
PATH = "/v1/media/0000/1111.jpg"
SIGNER = UrlSigner(b"secret", 900)


def opened_by(url: str, now: float = NOW, signer: UrlSigner = SIGNER) -> str | None:
    parts = urlsplit(url)
    return signer.workspace_of(parts.path, QueryParams(parts.query), now)


def changed(url: str, **values: str) -> str:
    parts = urlsplit(url)
    query = QueryParams({**QueryParams(parts.query), **values})
    return f"{parts.path}?{query}"


def test_an_address_opens_what_it_was_made_for_until_its_time_is_over() -> None:
    url = SIGNER.sign(PATH, "studio", NOW)
    expires = int(parse_qs(urlsplit(url).query)["expires"][0])
    assert NOW + 900 <= expires < NOW + 900 + 225
    assert [opened_by(url, now) for now in (NOW, NOW + 900, expires - 1)] == ["studio"] * 3
    assert opened_by(url, expires) is None


def test_nothing_else_opens() -> None:
    url = SIGNER.sign(PATH, "studio", NOW)
    signature = parse_qs(urlsplit(url).query)["signature"][0]
    assert opened_by(url.replace("1111", "2222")) is None
    assert opened_by(changed(url, workspace="annex")) is None
    assert opened_by(changed(url, expires="99999999999")) is None
    assert opened_by(changed(url, expires="x")) is None
    assert opened_by(changed(url, signature="")) is None
    assert opened_by(changed(url, signature="ä" * 64)) is None
    assert opened_by(changed(url, signature=signature.upper())) is None
    assert opened_by(f"{url}&workspace=studio") is None  # which of the two counts must not be a question
    assert opened_by(PATH) is None
    assert opened_by(url, signer=UrlSigner(b"another", 900)) is None


def test_parts_cannot_be_shifted_into_each_other() -> None:
    # What is signed is workspace, time, path with line ends between: none of them may hold one.
    url = SIGNER.sign(PATH, "studio", NOW)
    expires, signature = (parse_qs(urlsplit(url).query)[name][0] for name in ("expires", "signature"))
    shifted = {"workspace": f"studio{expires[0]}", "expires": expires[1:], "signature": signature}
    assert SIGNER.workspace_of(PATH, QueryParams(shifted), 0) is None
    query = QueryParams([("workspace", f"studio\n{expires}"), ("expires", PATH), ("signature", signature)])
    assert SIGNER.workspace_of("", query, NOW) is None
    query = QueryParams([("workspace", "studio"), ("expires", f"{expires}\n{PATH}"), ("signature", signature)])
    assert SIGNER.workspace_of("", query, NOW) is None


def test_a_fragment_stays_outside_at_the_end() -> None:
    url = SIGNER.sign(f"{PATH}#t=1.5,2", "studio", NOW)
    assert url == f"{SIGNER.sign(PATH, 'studio', NOW)}#t=1.5,2"
    assert opened_by(url) == "studio"


def test_addresses_stay_the_same_for_a_while_and_end_with_the_key() -> None:
    assert len({SIGNER.sign(PATH, "studio", NOW + second) for second in range(225)}) <= 2
    url = SIGNER.sign(PATH, "studio", NOW, ends_at=NOW + 10)
    assert [opened_by(url, NOW + after) for after in (9, 10)] == ["studio", None]


@pytest.mark.parametrize("lifetime_s", [1, 2, 3, 604_800])
def test_any_lifetime_is_kept(lifetime_s: int) -> None:
    signer = UrlSigner(b"secret", lifetime_s)
    for second in range(8):
        url = signer.sign(PATH, "studio", NOW + second + 0.5)
        assert opened_by(url, NOW + second + 0.49 + lifetime_s, signer) == "studio"


def test_services_of_a_store_share_a_secret_and_purposes_do_not() -> None:
    store = MemoryStore()
    first = service_secret(store)
    assert (service_secret(store), len(first), list(store.list(""))) == (first, 32, [SECRET_KEY])
    assert service_secret(MemoryStore()) != first
    assert len({first, derived(first, "address"), derived(first, "other")}) == 3
