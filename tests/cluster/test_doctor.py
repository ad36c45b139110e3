from pathlib import Path

import pytest

from actors.model_preparation import PreparedModels
from cluster.doctor import Check, examine


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    return tmp_path / "hub" / "hub"


def checks_of(profile: str, store: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(str(store), profile)}


def test_each_model_that_is_missing_has_its_size_and_a_command(empty_cache: Path, tmp_path: Path) -> None:
    checks = checks_of("cpu", tmp_path)
    assert checks["cpu: captions"] == Check(
        "cpu: captions",
        "missing",
        "openbmb/MiniCPM-V-4.6",
        f"`footage models --profile cpu --pull` fetches it (about 2.6 GB) into {empty_cache}.",
    )
    assert checks["cpu: summaries"] == Check("cpu: summaries", "ok", "openbmb/MiniCPM-V-4.6, the captions model")
    assert checks["cpu: captions device"].state == "note"
    assert (checks["cpu: tags"].state, checks["profile gpu"].state) == ("ok", "note")
    assert "openbmb/MiniCPM-V-4.6" in checks["profile gpu"].found


def test_a_server_is_named_and_not_asked(
    prepared: PreparedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ADAPTER", "http")
    monkeypatch.setenv("FOOTAGE_CAPTIONS__MODEL", "qwen")
    monkeypatch.setenv("FOOTAGE_CAPTIONS__TOY", "false")
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ENDPOINT__URL", "http://127.0.0.1:9/v1")
    found = checks_of("offline", tmp_path)["offline: captions"]
    assert found == Check("offline: captions", "ok", "qwen, served at http://127.0.0.1:9/v1 (not asked)")


def test_what_is_turned_off_is_a_note(
    prepared: PreparedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTAGE_CAPTIONS__ADAPTER", "off")
    monkeypatch.setenv("FOOTAGE_SUMMARIES__ADAPTER", "off")
    monkeypatch.setenv("FOOTAGE_TAGS__VOCABULARY", "")
    checks = checks_of("offline", tmp_path)
    found = [checks[f"offline: {part}"] for part in ("captions", "summaries", "tags")]
    assert [(check.state, check.found) for check in found] == [("note", "off")] * 3


@pytest.mark.parametrize(
    ("content", "said"), [(None, "is not there"), ("groups: {place: [beach, beach]}", "has the tag 'beach' twice")]
)
def test_a_vocabulary_that_cannot_be_used_is_missing(
    content: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("FOOTAGE_TAGS__VOCABULARY", str(file))
    check = checks_of("offline", tmp_path)["offline: tags"]
    assert (check.state, check.found) == ("missing", str(file))
    assert said in check.advice
