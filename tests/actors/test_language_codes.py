"""Tags of one language are one language."""

import pytest

from actors.language_codes import language_of


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"),
        ("eng", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("en_US", "en"),
        ("de", "de"),
        ("deu", "de"),
        ("ger", "de"),
        ("fre", "fr"),
        ("chi", "zh"),
        ("nob", "no"),
        ("iw", "he"),
        ("gsw", "gsw"),
    ],
)
def test_a_tag_names_a_language(tag: str, expected: str):
    assert language_of(tag) == expected


@pytest.mark.parametrize("tag", ["und", "mul", "zxx", "", " ", None])
def test_some_tags_name_none(tag: str | None):
    assert language_of(tag) is None
