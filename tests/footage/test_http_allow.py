"""Only what the list allows may be asked for, however a URL is written."""

import pytest

from footage.errors import MissingSource, SettingsError
from footage.http_allow import AllowList

LIST = AllowList(
    (
        "media.example.org",
        "*.films.example",
        "münchen.example",
        "127.0.0.1:8080",
        "[::1]:8080",
        "https://archive.example/films/",
        "https://archive.example:8443/one.mp4",
        "http://plain.example",
    )
)


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("http://media.example.org/a.mp4", "http://media.example.org/a.mp4"),
        ("HTTPS://MEDIA.example.org:443/a b.mp4?x=1#t=3", "https://media.example.org/a%20b.mp4?x=1"),
        ("https://eu.cdn.films.example/a.mp4", "https://eu.cdn.films.example/a.mp4"),
        ("https://xn--mnchen-3ya.example/a.mp4", "https://xn--mnchen-3ya.example/a.mp4"),
        ("http://127.0.0.1:8080/a.mp4", "http://127.0.0.1:8080/a.mp4"),
        ("http://[::1]:8080/a.mp4", "http://[::1]:8080/a.mp4"),
        ("https://archive.example/films/2019/a.mp4", "https://archive.example/films/2019/a.mp4"),
        ("https://archive.example/other/../films/a.mp4", "https://archive.example/films/a.mp4"),
        ("https://archive.example:8443/one.mp4?signature=1", "https://archive.example:8443/one.mp4?signature=1"),
        ("http://plain.example:80/any/where.mp4", "http://plain.example/any/where.mp4"),
    ],
)
def test_allowed(address: str, sent: str) -> None:
    assert str(LIST.url(address)) == sent


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a.mp4",
        "http://media.example.org:8080/a.mp4",  # another service of that host
        "http://media.example.org./a.mp4",
        "http://media.example.org.evil.example/a.mp4",
        "http://evil-media.example.org/a.mp4",
        "http://films.example/a.mp4",  # subdomains only
        "http://evilfilms.example/a.mp4",
        "http://localhost:8080/a.mp4",  # the same place by another name
        "http://127.1:8080/a.mp4",
        "http://2130706433:8080/a.mp4",
        "http://0x7f000001:8080/a.mp4",
        "http://127.0.0.1/a.mp4",
        "http://[::ffff:127.0.0.1]:8080/a.mp4",
        "http://archive.example/films/a.mp4",  # not by https
        "https://archive.example/films",
        "https://archive.example/filmsecrets/a.mp4",
        "https://archive.example/films/../secret.mp4",
        "https://archive.example/films/%2e%2e/secret.mp4",
        "https://archive.example/films/%252e%252e/secret.mp4",
        "https://archive.example/films/..%2fsecret.mp4",
        "https://archive.example/films/..%5csecret.mp4",
        "https://archive.example:8443/one.mp4.secret",
        "https://plain.example/a.mp4",
        r"http://evil.example\@media.example.org:8080/a.mp4",
    ],
)
def test_not_allowed(address: str) -> None:
    with pytest.raises(MissingSource, match=r"may not be read: if videos may come from there, add|a password"):
        LIST.url(address)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://media.example.org/a.mp4", "//media.example.org/a.mp4"]
)
def test_other_kinds_of_addresses_are_refused(address: str) -> None:
    with pytest.raises(MissingSource, match=r"is not an http\(s\) URL"):
        LIST.url(address)


@pytest.mark.parametrize(
    "address", ["http://media.example.org:port/a", "http://media\t.example.org/a", "http://[::1/a"]
)
def test_what_is_no_url_is_refused(address: str) -> None:
    with pytest.raises(MissingSource, match="is not a URL that can be read"):
        LIST.url(address)


def test_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(MissingSource, match="holds a user name or a password") as caught:
        LIST.url("http://name:secret@media.example.org/a.mp4")
    assert "secret" not in str(caught.value)


def test_a_signature_is_not_shown() -> None:
    with pytest.raises(MissingSource) as caught:
        LIST.url("http://other.example/a.mp4?signature=secret")
    assert str(caught.value) == (
        "http://other.example/a.mp4 may not be read: if videos may come from there, add other.example to "
        "sources.http_allow."
    )


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.",
        "a.*.example",
        "ftp://host/",
        "https://",
        "http://user@host/",
        "https://host/?a=1",
        "host/path",
        "h:0",
    ],
)
def test_an_entry_that_is_neither_a_host_nor_a_prefix_is_named(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"^sources\.http_allow holds '.*', which is neither a host"):
        AllowList((entry,))
