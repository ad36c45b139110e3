import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.highlights import highlights


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("red car", "A RED car, a scared carpet.", ["RED", "car"]),
        ("boil", "Boiling water boils; it was boiled in a boiler.", ["Boiling", "boils", "boiled", "boiler"]),
        ("boiling kettles", "boil the kettle", ["boil", "kettle"]),
        ("baking", "bake, baked, bakes", ["bake"]),
        ("bake", "baking, baked, bakes", ["baking", "baked", "bakes"]),
        ("is it as", "it is as it was", ["it", "is", "as", "it"]),
        ("what is the garden", "the garden is there", ["garden"]),
        ("don't", "Don\u2019t stop, 'don', don't", ["Don\u2019t", "don't"]),
        ("straße", "Die STRASSE", ["STRASSE"]),
        ("cafe\u0301", "CAFÉ", ["CAFÉ"]),
        ("1984", "in 1984.", ["1984"]),
        ("赤い車", "あれは赤い車です。赤い車", ["赤い車", "赤い車"]),
        ("한국", "한국 사람", ["한국"]),
        ("हिन्दी", "यह हिन्दी है", ["हिन्दी"]),
        ("😀 car", "😀😀 car", ["car"]),
        ("nothing", "something else", []),
        ("", "text", []),
        ("...", "text ...", []),
        ("text", "", []),
    ],
)
def test_words_of_the_query_are_marked(query: str, text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in highlights(query, text)] == marked


@given(st.text("ab1'Z -_.", max_size=12), st.text("abe's Z'", max_size=12))
def test_words_of_ascii_are_those_that_they_are_beside_other_letters(text: str, query: str) -> None:
    assert highlights(query, f"{text} \u00e9") == highlights(query, text)
