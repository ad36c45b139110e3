import pytest

from footage.description_fingerprint import description_fingerprint
from footage.model_settings import CaptionSettings, EndpointSettings, SummarySettings
from footage.settings import Settings

SETTINGS = Settings(
    captions=CaptionSettings(adapter="native", model="eyes"), summaries=SummarySettings(adapter="captioner")
)
SAME = description_fingerprint(SETTINGS, "pipeline", "text-1")


def changed(section: str, **changes: object) -> Settings:
    old = getattr(SETTINGS, section)
    return SETTINGS.model_copy(update={section: old.model_copy(update=changes)})


def test_it_is_short_and_stable() -> None:
    assert len(SAME) == 16
    assert description_fingerprint(SETTINGS, "pipeline", "text-1") == SAME


@pytest.mark.parametrize(
    "other",
    [
        changed("summaries", prompt="In one sentence: {scenes}"),
        changed("summaries", max_input_chars=500),
        changed("summaries", max_scene_chars=100),
        changed("summaries", max_new_tokens=20),
        changed("summaries", adapter="http", model="words"),
        changed("captions", model="other eyes"),
    ],
)
def test_what_changes_a_description_changes_it(other: Settings) -> None:
    assert description_fingerprint(other, "pipeline", "text-1") != SAME


def test_scenes_and_the_text_model_change_it() -> None:
    assert description_fingerprint(SETTINGS, "other pipeline", "text-1") != SAME
    assert description_fingerprint(SETTINGS, "pipeline", "text-2") != SAME


@pytest.mark.parametrize(
    "other",
    [
        changed("summaries", endpoint=EndpointSettings(url="http://elsewhere/v1", retries=9)),
        changed("captions", batch_size=1, endpoint=EndpointSettings(url="http://elsewhere/v1")),
    ],
)
def test_where_a_server_is_does_not(other: Settings) -> None:
    assert description_fingerprint(other, "pipeline", "text-1") == SAME
