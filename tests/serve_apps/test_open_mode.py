import pytest
from starlette.datastructures import Headers

from serve_apps.open_mode import is_from_here, is_loopback, refusal

HERE = {"host": "localhost:8000"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "127.255.0.9", "[::1]", "[::1]:8000"])
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost", "localhost/x"),
        *("0.0.0.0", "10.0.0.1:8000", "::1", "[::1]x", "localhost:80:80", "localhost\n", "127.1", "localhost."),
        "[::ffff:10.0.0.1]",
    ],
)
def test_names_of_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("DELETE", {}),  # curl
        ("DELETE", {"origin": "http://localhost:8000"}),
        ("DELETE", {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}),
        ("GET", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}),  # typed
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),  # a link
        ("POST", {"origin": "https://films.example", "sec-fetch-site": "cross-site"}),  # allowed by name
    ],
)
def test_what_may_come(method: str, headers: dict[str, str]) -> None:
    assert refusal("127.0.0.1", method, Headers({**HERE, **headers}), ("https://films.example",)) is None


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"host": "evil.example"}),
        ("DELETE", {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}),
        ("POST", {"origin": "http://localhost:9999", "sec-fetch-site": "same-site"}),  # another program's page
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),  # a form
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),  # <img>, <script>
        ("POST", {"origin": "null"}),
        ("PUT", {"origin": "http://evil.example"}),  # an old browser
        ("POST", {"origin": "https://films.example.evil.example", "sec-fetch-site": "cross-site"}),
    ],
)
def test_what_may_not(method: str, headers: dict[str, str]) -> None:
    said = refusal("127.0.0.1", method, Headers({**HERE, **headers}), ("https://films.example",))
    assert said is not None
    assert said.endswith(".")


def test_two_hosts_are_none() -> None:
    headers = Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example")])
    assert refusal("127.0.0.1", "GET", headers, ()) is not None


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_addresses_of_this_machine(client: str) -> None:
    assert refusal(client, "DELETE", Headers(HERE), ()) is None


@pytest.mark.parametrize("client", ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1", "0.0.0.0", "", "localhost", None])
def test_another_machine_may_send_any_host_and_gets_nothing(client: str | None) -> None:
    said = refusal(client, "GET", Headers(HERE), ("https://films.example",))
    assert said is not None
    assert "its own machine" in said


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_a_proxy_of_this_machine_is_told_by_what_it_adds(name: str) -> None:
    headers = Headers({**HERE, name.lower(): "10.0.0.7"})
    assert not is_from_here("127.0.0.1", headers)
    assert refusal("127.0.0.1", "GET", headers, ()) is not None
