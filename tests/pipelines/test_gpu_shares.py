import pytest

from footage.errors import SettingsError
from footage.settings import Settings, load_settings
from pipelines.gpu_shares import actors_per_pool, check_devices, shares_of

FOUR = [{"Transcriber": 0.25}, {"Captioner": 0.5}, {"FrameEmbedder": 0.125}, {"TextEmbedder": 0.125}]


def changed(settings: Settings, section: str, **values: object) -> Settings:
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


def test_four_pools_share_each_card() -> None:
    assert [actors_per_pool(FOUR, cards, 1) for cards in (1, 2, 8)] == [1, 2, 8]


def test_pools_without_a_share_are_not_multiplied() -> None:
    assert actors_per_pool([{}, {}], cards=0, wanted=3) == 3


def test_two_actors_of_each_on_a_card_that_holds_both() -> None:
    halves = [{stage: share / 2 for stage, share in pool.items()} for pool in FOUR]
    assert actors_per_pool(halves, cards=3, wanted=2) == 6


def test_a_sum_above_one_card_may_fit_on_several() -> None:
    large = [{"Captioner": 1.0}, {"Transcriber": 0.5}, {"FrameEmbedder": 0.25}, {"TextEmbedder": 0.25}]
    assert actors_per_pool(large, cards=2, wanted=1) == 1
    assert actors_per_pool([{"Captioner": 2.0}, {"Transcriber": 0.5}], cards=3, wanted=1) == 1


def test_no_actor_lies_on_two_cards() -> None:
    with pytest.raises(SettingsError, match=r"0\.6 \+ FrameEmbedder 0\.6 = 1\.8 cards, and Ray has 2 cards"):
        actors_per_pool([{"Captioner": 0.6}, {"Transcriber": 0.6}, {"FrameEmbedder": 0.6}], cards=2, wanted=1)
    with pytest.raises(SettingsError, match=r"1\.5 = 1\.5 cards, and Ray has 2 cards"):
        actors_per_pool([{"Captioner": 1.5}], cards=2, wanted=1)


def test_what_does_not_fit_shows_the_sum() -> None:
    shares = [{"Transcriber": 0.25}, {"Captioner": 0.75}, {"FrameEmbedder": 0.125}, {"TextEmbedder": 0.125}]
    with pytest.raises(SettingsError) as refused:
        actors_per_pool(shares, cards=1, wanted=1)
    assert str(refused.value) == (
        "The GPU shares do not fit: Transcriber 0.25 + Captioner 0.75 + FrameEmbedder 0.125 + TextEmbedder 0.125"
        " = 1.25 cards, and Ray has 1 card. Lower pipeline.*_num_gpus until the sum is at most 1, lower"
        " pipeline.model_actors, or add cards."
    )
    with pytest.raises(SettingsError, match=r"2 x \(Transcriber 0\.25 .* = 2 cards, and Ray has 1 card"):
        actors_per_pool(FOUR, cards=1, wanted=2)
    with pytest.raises(SettingsError, match="= 1 card, and Ray has no card"):
        actors_per_pool(FOUR, cards=0, wanted=1)


def test_a_fused_actor_takes_the_sum_of_its_stages() -> None:
    fused = {stage: share for pool in FOUR for stage, share in pool.items()}
    assert actors_per_pool([fused], cards=2, wanted=1) == 2
    with pytest.raises(SettingsError, match=r"= 1\.25 cards"):
        actors_per_pool([fused | {"Captioner": 0.75}], cards=2, wanted=1)


def test_shares_of_the_gpu_profile_add_up_to_one_card() -> None:
    assert shares_of(load_settings("gpu")) == {
        "Transcriber": 0.25,
        "Captioner": 0.5,
        "FrameEmbedder": 0.125,
        "TextEmbedder": 0.125,
    }


def test_a_captioner_that_asks_a_server_needs_no_card() -> None:
    settings = changed(load_settings("gpu"), "captions", adapter="http")
    assert "Captioner" not in shares_of(settings)


def test_a_model_on_a_card_without_a_share_is_refused() -> None:
    settings = changed(load_settings("gpu"), "pipeline", text_num_gpus=0)
    with pytest.raises(SettingsError, match=r"text\.device is cuda, but pipeline\.text_num_gpus is 0"):
        check_devices(settings, own_machine=False)


def test_shares_without_a_model_on_a_card_are_allowed() -> None:
    """Such as on nodes that declare cards of another kind."""
    settings = load_settings("gpu")
    for section in ("speech", "text", "frames", "captions"):
        settings = changed(settings, section, device="cpu")
    check_devices(settings, own_machine=True)
