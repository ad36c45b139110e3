import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage.pipeline_settings import SearchSettings
from footage.records import SparseVector
from footage.relevance import query_weight, relevance
from footage.relevance_settings import RelevanceCurve, RelevanceSettings
from footage.settings import load_settings

CURVES = RelevanceSettings(
    transcript=RelevanceCurve(half=0.4, slope=20),
    transcript_sparse=RelevanceCurve(half=0.5, slope=4),
    image=RelevanceCurve(half=0.9, slope=60),
)
SETTINGS = SearchSettings(relevance=CURVES)
scores = st.dictionaries(
    st.sampled_from(["transcript", "transcript_sparse", "visual", "caption", "image"]), st.floats(-1e3, 1e3)
)


def test_a_score_at_the_half_is_half_sure() -> None:
    assert relevance({"transcript": 0.4}, SETTINGS) == 0.5
    assert relevance({"transcript": 0.5}, SETTINGS) == pytest.approx(1 / (1 + math.exp(-2)))
    assert relevance({"transcript": 0.3}, SETTINGS) == pytest.approx(1 / (1 + math.exp(2)))


def test_reasons_add_up() -> None:
    assert relevance({"transcript": 0.4, "image": 0.9}, SETTINGS) == pytest.approx(0.75)
    assert relevance({"transcript": 0.4, "transcript_sparse": 0.5, "image": 0.9}, SETTINGS) == pytest.approx(0.875)


def test_words_count_as_a_share_of_the_query() -> None:
    assert relevance({"transcript_sparse": 2.0}, SETTINGS, query_weight=4.0) == 0.5
    assert relevance({"transcript": 0.4}, SETTINGS, query_weight=4.0) == 0.5
    assert query_weight(SparseVector((3, 8), (2.0, 0.5))) == 4.25
    assert query_weight(SparseVector((), ())) == 1.0


def test_lists_without_a_curve_say_nothing() -> None:
    assert relevance({"visual": 0.9, "caption": 0.9}, SETTINGS) is None
    assert relevance({"visual": 0.9, "transcript": 0.4}, SETTINGS) == 0.5
    assert relevance({}, SETTINGS) is None
    assert relevance({"transcript": 0.9}, SearchSettings()) is None


def test_scores_of_any_size_are_taken() -> None:
    assert relevance({"transcript": 1e6}, SETTINGS) == 1.0
    assert relevance({"transcript": -1e6}, SETTINGS) == 0.0


@settings(deadline=None)
@given(scores, st.floats(0, 10))
def test_it_never_falls_when_a_score_rises_or_a_list_joins(held: dict[str, float], more: float) -> None:
    """What ends a search early leans on it: see FoundScenes.can_hold_more."""
    sure = relevance(held, SETTINGS)  # type: ignore[arg-type]
    if sure is None:
        return
    assert 0 <= sure <= 1
    for name in ("transcript", "transcript_sparse", "image"):
        other = held | {name: held[name] + more if name in held else more}
        assert relevance(other, SETTINGS) >= sure - 1e-12  # type: ignore[arg-type, operator]


def test_the_offline_profile_is_calibrated_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    offline = load_settings("offline").search.relevance
    assert all(getattr(offline, name) for name in RelevanceSettings.model_fields)
    for profile in ("cpu", "gpu"):
        assert load_settings(profile).search.relevance == RelevanceSettings()
    monkeypatch.setenv("FOOTAGE_SEARCH__RELEVANCE__VISUAL", '{"half": 0.1, "slope": 90}')
    assert load_settings("cpu").search.relevance.visual == RelevanceCurve(half=0.1, slope=90)
