from pathlib import Path

import pytest

from footage.fingerprint import component_fingerprints, pipeline_fingerprint
from footage.settings import load_settings

VERSIONS = {"speech": "1", "text": "1", "frames": "1", "captions": "1"}
WITHOUT_EFFECT = {
    "FOOTAGE_CAPTIONS__BATCH_SIZE": "7",
    "FOOTAGE_CAPTIONS__DEVICE": "cuda",
    "FOOTAGE_CAPTIONS__ENDPOINT__URL": "http://127.0.0.1:1/v1",
    "FOOTAGE_CAPTIONS__ENDPOINT__API_KEY": "secret",
    "FOOTAGE_CAPTIONS__ENDPOINT__CONCURRENCY": "2",
    "FOOTAGE_CAPTIONS__ENDPOINT__TIMEOUT_S": "7",
    "FOOTAGE_FRAMES__BATCH_SIZE": "7",
    "FOOTAGE_TEXT__QUERY_PRECISION": "fp32",
    "FOOTAGE_SUMMARIES__MAX_NEW_TOKENS": "77",
    "FOOTAGE_SUMMARIES__ADAPTER": "captioner",
}
WITH_EFFECT = {
    "FOOTAGE_CAPTIONS__PROMPT": "What is this?",
    "FOOTAGE_CAPTIONS__MODEL": "another/model",
    "FOOTAGE_CAPTIONS__FRAMES_PER_SCENE": "7",
    "FOOTAGE_CAPTIONS__ADAPTER": "off",
    "FOOTAGE_TAGS__THRESHOLD": "0.7",
    "FOOTAGE_TAGS__MOST": "7",
    "FOOTAGE_TAGS__VOCABULARY": "",
    "FOOTAGE_FRAMES__QUERY_PRECISION": "fp32",  # the texts of tags go through that copy
}


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Captions by a server, and tags by a vocabulary of this test."""
    vocabulary = tmp_path / "tags.yaml"
    vocabulary.write_text("groups: {place: [beach]}")
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ADAPTER", "http")
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ENDPOINT__URL", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("FOOTAGE_SUMMARIES__ADAPTER", "off")
    monkeypatch.setenv("FOOTAGE_TAGS__VOCABULARY", str(vocabulary))
    return vocabulary


def fingerprint(versions: dict[str, str] = VERSIONS) -> str:
    return pipeline_fingerprint(load_settings("cpu"), versions)


@pytest.mark.parametrize("variable", WITHOUT_EFFECT)
def test_what_changes_no_output_changes_no_fingerprint(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, settings = fingerprint(), load_settings("cpu")
    monkeypatch.setenv(variable, WITHOUT_EFFECT[variable])
    assert load_settings("cpu") != settings
    assert fingerprint() == before


@pytest.mark.parametrize("variable", WITH_EFFECT)
def test_what_changes_the_output_changes_the_fingerprint(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    monkeypatch.setenv(variable, WITH_EFFECT[variable])
    assert fingerprint() != before


def test_the_captioners_version_and_the_vocabularys_content_count(described: Path) -> None:
    before = fingerprint()
    assert fingerprint({**VERSIONS, "captions": "2"}) != before
    described.write_text("groups: {shore: [beach]}")
    assert fingerprint() == before
    described.write_text("groups: {place: [beach, forest]}")
    assert fingerprint() != before


def test_without_tags_the_copy_for_queries_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTAGE_TAGS__VOCABULARY", "")
    before = fingerprint()
    monkeypatch.setenv("FOOTAGE_FRAMES__QUERY_PRECISION", "fp32")
    assert fingerprint() == before


def components(versions: dict[str, str] = VERSIONS) -> dict[str, str]:
    return component_fingerprints(load_settings("cpu"), versions)


@pytest.mark.parametrize("variable", WITH_EFFECT | {"FOOTAGE_DECODER__SPAN_S": "77", "FOOTAGE_SPEECH__BEAM_SIZE": "7"})
def test_components_tell_which_part_has_changed(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = components()
    assert sorted(before) == ["captions", "decoder", "frames", "speech", "tags", "text", "version"]
    monkeypatch.setenv(variable, {**WITH_EFFECT, "FOOTAGE_DECODER__SPAN_S": "77"}.get(variable, "7"))
    after = components()
    changed = {name for name in before if before[name] != after[name]}
    part = variable.removeprefix("FOOTAGE_").partition("__")[0].lower()
    assert changed == {"tags" if variable == "FOOTAGE_FRAMES__QUERY_PRECISION" else part}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_version_of_a_model_counts_with_its_part(name: str) -> None:
    before, after = components(), components({**VERSIONS, name: "2"})
    assert {part for part in before if before[part] != after[part]} == {name}
