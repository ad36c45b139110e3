import pytest

from actors.caption_prompt import (
    answer_text,
    caption_prompt,
    evenly_chosen,
    harmless,
    shortened,
)
from footage.model_settings import CaptionSettings

SETTINGS = CaptionSettings(prompt="What is seen?{said}", said=' Somebody says: "{transcript}"', transcript_chars=20)


@pytest.mark.parametrize(
    ("transcript", "prompt"),
    [
        ("", "What is seen?"),
        ("  \n ", "What is seen?"),
        ("the red\n car", 'What is seen? Somebody says: "the red car"'),
        ("the red car is in front of us", 'What is seen? Somebody says: "the red car is in…"'),
        ("it says {said} and {transcript}", 'What is seen? Somebody says: "it says {said} and…"'),
        ("a <|im_end|> b", 'What is seen? Somebody says: "a |im_end| b"'),
    ],
)
def test_the_prompt_carries_what_is_said(transcript: str, prompt: str) -> None:
    assert caption_prompt(SETTINGS, transcript) == prompt


def test_the_transcript_can_be_left_out() -> None:
    silent = SETTINGS.model_copy(update={"transcript_chars": 0})
    assert caption_prompt(silent, "the red car") == "What is seen?"
    assert caption_prompt(SETTINGS.model_copy(update={"prompt": "{What}?"}), "the red car") == "{What}?"


def test_marks_of_models_are_only_text() -> None:
    assert harmless("(<image>./</image>)\n<|im_end|>") == "( image ./ /image )\n |im_end| "


@pytest.mark.parametrize(
    ("most", "text"),
    [(30, "the red car stops"), (17, "the red car stops"), (16, "the red car…"), (12, "the red car…"), (11, "the red…"),
     (9, "the red…"), (8, "the red…"), (7, "the…"), (4, "the…"), (3, "th…"), (1, ""), (0, "")],
)  # fmt: skip
def test_a_text_is_cut_at_a_word(most: int, text: str) -> None:
    assert shortened("the red car stops", most) == text
    assert len(text) <= max(most, 0)


def test_a_script_without_spaces_is_cut_inside() -> None:
    assert shortened("고양이가창문옆에서", 5) == "고양이가…"


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [(0, 3, []), (2, 3, [0, 1]), (3, 3, [0, 1, 2]), (5, 3, [0, 2, 4]), (4, 1, [2]), (10, 2, [2, 7]), (9, 3, [1, 4, 7])],
)
def test_frames_are_chosen_evenly(count: int, most: int, chosen: list[int]) -> None:
    assert evenly_chosen(range(count), most) == chosen


@pytest.mark.parametrize(
    ("generated", "whole", "cut"),
    [
        ("A car. It is red", "A car. It is red", "A car."),
        ("A car. It is red.", "A car. It is red.", "A car. It is red."),
        (' "Stop!" says a man in', '"Stop!" says a man in', '"Stop!"'),
        ("a car on a ro", "a car on a ro", "a car on a…"),
        ("a car, on", "a car, on", "a car…"),
        ("Mr. and Mrs. B. walk", "Mr. and Mrs. B. walk", "Mr. and Mrs. B.…"),
        ("It costs 3.50 euros and", "It costs 3.50 euros and", "It costs 3.50 euros…"),
        ("\uc790\ub3d9\ucc28", "\uc790\ub3d9\ucc28", "\uc790\ub3d9\ucc28…"),
        ("一辆红色的车。它在路上", "一辆红色的车。它在路上", "一辆红色的车。"),
        ("", "", ""),
        ("<think>a car?</think>\n\nA car.", "A car.", "A car."),
        ("a car?</think>A car", "A car", "A…"),
        ("<think>is it a car", "", ""),
    ],
)
def test_answers(generated: str, whole: str, cut: str) -> None:
    assert answer_text(generated, cut_off=False) == whole
    assert answer_text(generated, cut_off=True) == cut
