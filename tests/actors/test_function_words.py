import pytest

from actors.function_words import without_function_words


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a striped red background", "striped red background"),
        ("Where is the lighthouse?", "lighthouse?"),
        ("to be or not to be", "to be or not to be"),
        ("", ""),
    ],
)
def test_words_that_say_nothing_are_left_out(text: str, left: str) -> None:
    assert without_function_words(text) == left
