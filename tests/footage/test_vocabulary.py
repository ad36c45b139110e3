from pathlib import Path

import pytest

from footage.errors import SettingsError
from footage.vocabulary import MOST_TAGS, Tag, Vocabulary, load_vocabulary

DEFAULT = "project:footage/vocabularies/default.yaml"


def written(folder: Path, content: str, name: str = "mine.yaml") -> str:
    file = folder / name
    file.write_text(content)
    return str(file)


def test_tags_are_read_with_their_prompts(tmp_path: Path) -> None:
    place = written(
        tmp_path,
        "prompt: a photo of {}\n"
        "groups:\n"
        "  vehicle: [tram, {ferry: a ferry  on the water}]\n"
        "  mood: {prompt: 'a {} scene', tags: [calm, {tense: nervous}]}\n",
    )
    assert load_vocabulary(place) == Vocabulary(
        (
            Tag("tram", "vehicle", "a photo of tram"),
            Tag("ferry", "vehicle", "a photo of a ferry on the water"),
            Tag("calm", "mood", "a calm scene"),
            Tag("tense", "mood", "a nervous scene"),
        )
    )


def test_the_default_has_about_two_hundred_tags_in_the_groups_of_an_archive() -> None:
    tags = load_vocabulary(DEFAULT).tags
    assert 180 <= len(tags) <= 250
    groups = {"place", "people", "action", "object", "time of day", "weather and season", "mood", "shot type"}
    assert {tag.group for tag in tags} == groups
    shown = {tag.name: tag.text for tag in tags}
    assert shown["beach"] == "This is a photo of beach."
    assert shown["interview"] == "This is a photo of people in an interview."
    assert shown["night"] == "This is a photo taken at night."
    assert len(set(shown.values())) == len(tags)


def test_a_file_adds_to_the_default_and_rewords_it(tmp_path: Path) -> None:
    default = load_vocabulary(DEFAULT)
    mine = load_vocabulary(
        written(tmp_path, "extends: default\ngroups: {ours: [our logo], shore: [{beach: a sandy beach}]}\n")
    )
    added = (Tag("our logo", "ours", "This is a photo of our logo."),)
    reworded = Tag("beach", "shore", "This is a photo of a sandy beach.")
    kept = tuple(reworded if tag.name == "beach" else tag for tag in default.tags)
    assert mine.tags == (*kept, *added)


def test_a_file_extends_another_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "groups: {one: [a]}", "base.yaml")
    names = [tag.name for tag in load_vocabulary(written(tmp_path, "extends: base.yaml\ngroups: {two: [b]}")).tags]
    assert names == ["a", "b"]


def test_the_hash_follows_tags_and_texts_but_not_groups(tmp_path: Path) -> None:
    def hashed(content: str) -> str:
        return load_vocabulary(written(tmp_path, content)).content_hash

    known = hashed("groups: {one: [a, b]}")
    assert hashed("groups: {one: [a], two: [b]}") == known
    assert hashed("groups: {one: [b, a]}") != known
    assert hashed("groups: {one: [a, {b: c}]}") != known
    assert hashed("prompt: '{}'\ngroups: {one: [a, b]}") != known


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("groups: {one: [a, b], two: [a]}", "has the tag 'a' twice, in 'one' and 'two'"),
        ("groups: {one: [a, a]}", "has the tag 'a' twice, in 'one' and 'one'"),
        ("groups: {}", "names no tag; add one under `groups`"),
        ("", "needs an entry `groups:`"),
        ("[a, b]", "needs an entry `groups:`"),
        ("groups: [a]", "needs `groups:` to be names of groups"),
        ("groups: {one: a}", "needs the group 'one' to be a list of tags"),
        ("groups: {one: {tags: [a], shown: b}}", "needs the group 'one' to be a list of tags"),
        ("groups: {one: [no]}", "has False in the group 'one'; a tag is a text"),
        ("groups: {one: [{a: b, c: d}]}", "has {'a': 'b', 'c': 'd'} in the group 'one'; a tag is a text"),
        ("groups: {one: [' ']}", "has ' ' in the group 'one'; a tag is a text"),
        ("groups: {one: [" + "a" * 61 + "]}", "which is too long: a tag has at most 60 characters"),
        ("prompt: a photo\ngroups: {one: [a]}", "has the prompt 'a photo'; a prompt is a text with {} once"),
        ("groups: {one: {prompt: '{} {}', tags: [a]}}", "has the prompt '{} {}'"),
        ("tags: [a]", "has the unknown entry 'tags'; it may have extends, groups, prompt"),
        ("extends: [a]\ngroups: {one: [a]}", "needs `extends:` to be `default` or the path"),
        ("extends: mine.yaml\ngroups: {one: [a]}", "extends itself"),
        ("extends: other\ngroups: {one: [a]}", "other is not there; correct tags.vocabulary"),
        ("groups: {one: [a", "is no YAML (while parsing a flow sequence"),
        (f"groups: {{one: {[f'tag {i}' for i in range(MOST_TAGS + 1)]}}}", f"has more than {MOST_TAGS} tags"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, content: str, reason: str) -> None:
    place = written(tmp_path, content)
    with pytest.raises(SettingsError) as error:
        load_vocabulary(place)
    assert reason in str(error.value)
    assert str(error.value).startswith(f"The vocabulary {tmp_path}")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"The vocabulary .*nowhere.yaml is not there; correct tags.vocabulary\."):
        load_vocabulary(str(tmp_path / "nowhere.yaml"))
