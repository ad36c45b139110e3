import pytest

from actors.asked_lists import OF_A_PICTURE, OF_WORDS, list_weights
from footage.errors import SettingsError
from footage.pipeline_settings import SearchSettings
from footage.search import SceneScope

SETTINGS = SearchSettings(visual_weight=0.5, image_weight=2)


@pytest.mark.parametrize(
    ("scope", "possible", "expected"),
    [
        ({}, OF_WORDS, {"transcript": 1, "transcript_sparse": 1, "visual": 0.5, "caption": 1}),
        ({}, (*OF_A_PICTURE, "caption"), {"caption": 1, "image": 2}),
        ({"lists": ["image", "visual"]}, OF_WORDS, {"visual": 0.5}),
        ({"modes": {"seen": 0.5}, "lists": ["visual", "image"]}, [*OF_WORDS, "image"], {"visual": 0.25, "image": 1}),
        ({"modes": {"spoken": 0, "seen": 4}}, OF_WORDS, {"visual": 2, "caption": 1}),
        ({"modes": {"captioned": 3}}, OF_WORDS[2:], {"visual": 0.5, "caption": 3}),
    ],
)
def test_lists_weigh_what_settings_and_modes_say(
    scope: dict[str, object], possible: list[str], expected: dict[str, float]
) -> None:
    weights = list_weights(SceneScope.model_validate(scope), SETTINGS, possible)
    assert weights == expected
    assert list(weights) == list(expected)


@pytest.mark.parametrize(
    ("scope", "possible", "says"),
    [
        (
            {"lists": ["image"]},
            ["caption"],
            "it is to go by picture, and what it looks for can be found by caption only",
        ),
        (
            {"lists": ["transcript_sparse"]},
            OF_A_PICTURE,
            "to go by words, and what it looks for can be found by picture",
        ),
        ({"modes": {"seen": 0}, "lists": ["visual", "image"]}, ["visual", "image"], "goes by picture, which its modes"),
    ],
)
def test_a_search_of_no_list_is_refused(scope: dict[str, object], possible: list[str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        list_weights(SceneScope.model_validate(scope), SETTINGS, possible)
