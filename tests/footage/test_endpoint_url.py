import pytest

from footage.endpoint_url import base_url, shown_url
from footage.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://models.example/v1//", "https://models.example/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_addresses_of_servers(url: str, base: str) -> None:
    assert base_url("captions.endpoint.url", url) == base


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (None, "The setting a.endpoint.url is not set: it is written like http://127.0.0.1:8000/v1."),
        ("file:///etc/passwd", "The setting a.endpoint.url is no address of a server: 'file:///etc/passwd' should"),
        ("localhost:8000?key=SECRET", "The setting a.endpoint.url is no address of a server: 'localhost:8000' should"),
        ("http:///v1#SECRET", "The setting a.endpoint.url is no address of a server: 'http:///v1' should"),
        ("http://h:port/v1", "The setting a.endpoint.url is no address of a server: 'http://h:port/v1' should"),
        ("http://[h/v1", "The setting a.endpoint.url is no address of a server: 'http://[h/v1' should"),
        ("http://h h/v1", "The setting a.endpoint.url is no address of a server: 'http://h h/v1' should"),
        ("https://h:8443/v1?api-key=SECRET", "The setting a.endpoint.url is no base URL: https://h:8443/v1 is foll"),
        ("https://h/v1#SECRET", "The setting a.endpoint.url is no base URL: https://h/v1 is followed by"),
        ("http://me:SECRET@h/v1", "The setting a.endpoint.url holds a user name or a password; put the key into a.end"),
        ("me:SECRET@h/v1?key=1", "The setting a.endpoint.url holds a user name or a password; put the key into a.end"),
    ],
)
def test_what_is_no_address_is_a_sentence_without_secrets(url: str | None, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        base_url("a.endpoint.url", url)
    assert str(raised.value).startswith(sentence)
    assert "SECRET" not in str(raised.value)


def test_an_address_is_shown_without_what_can_be_a_secret() -> None:
    assert shown_url("https://me:secret@models.example:8443/v1?key=secret#here") == "https://models.example:8443/v1"
