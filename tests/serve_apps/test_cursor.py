import base64

import pytest

from serve_apps.cursor import Cursors
from serve_apps.problems import HttpProblem

SECRET = b"s" * 32
REQUEST = ("home", "key-1", "search", {"q": "brake pads", "tag": ["car"]})


def test_a_cursor_gives_its_position_back():
    cursors = Cursors(SECRET, *REQUEST)
    cursor = cursors.make("indexed:20")
    assert cursor is not None
    assert cursors.read(cursor) == "indexed:20"
    assert cursor.isascii()
    assert not set("+/=&?#") & set(cursor)  # it stands in a URL as it is


def test_no_cursor_is_the_first_page_and_no_position_the_end():
    cursors = Cursors(SECRET, *REQUEST)
    assert cursors.read(None) is None
    assert cursors.make(None) is None


@pytest.mark.parametrize(
    "other",
    [
        Cursors(b"t" * 32, *REQUEST),
        Cursors(SECRET, "away", *REQUEST[1:]),
        Cursors(SECRET, "home", "key-2", *REQUEST[2:]),
        Cursors(SECRET, "home", None, *REQUEST[2:]),
        Cursors(SECRET, *REQUEST[:2], "similar", REQUEST[3]),
        Cursors(SECRET, *REQUEST[:3], {"q": "brake pads", "tag": []}),
    ],
    ids=["secret", "workspace", "key", "no key", "route", "filter"],
)
def test_a_cursor_of_something_else_is_refused(other):
    with pytest.raises(HttpProblem, match="was not given for this request") as refusal:
        Cursors(SECRET, *REQUEST).read(other.make("20"))
    assert refusal.value.status_code == 400


def test_what_was_made_up_is_refused():
    cursors = Cursors(SECRET, *REQUEST)
    cursor = cursors.make("20")
    assert cursor is not None
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = base64.urlsafe_b64encode(raw[:-1] + b"1").decode().rstrip("=")
    for made_up in ("", "0", "abc", "20", "ü", "a" * 4000, changed, cursor[:-1], cursor + "AA", f" {cursor}"):
        with pytest.raises(HttpProblem):
            cursors.read(made_up)
