"""The command line as a user meets it, where nothing was indexed yet or something is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT


def footage(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [["search", "anything"], ["videos"], ["show", "film.mp4"]])
def test_store_without_an_index_is_a_sentence(tmp_path: Path, command: list[str]) -> None:
    result = footage(*command, "--store", tmp_path / "none")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"footage: {tmp_path / 'none'} holds no index. Make one with: footage index")


def test_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = footage("index", tmp_path / "gone", "--store", tmp_path / "store", "--profile", "offline")

    assert result.returncode == 1
    assert f"{tmp_path / 'gone'} cannot be read: No such file or directory" in result.stderr
    assert "Traceback" not in result.stderr


def test_unknown_profile_is_named(tmp_path: Path) -> None:
    result = footage("index", tmp_path, "--store", tmp_path / "store", "--profile", "tpu")

    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no profile 'tpu'" in result.stderr


def test_profile_whose_models_are_missing_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    (tmp_path / "film.mp4").write_bytes(b"x")

    result = footage("index", tmp_path, "--store", tmp_path / "store", "--profile", "cpu")

    assert result.returncode == 1
    assert "Systran/faster-whisper-small" in result.stderr
    assert "--profile offline" in result.stderr
    assert "Traceback" not in result.stderr


def test_folder_without_videos_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")

    result = footage("index", tmp_path, "--store", tmp_path / "store", "--profile", "offline", "--json")

    assert result.returncode == 0
    assert json.loads(result.stdout)["videos_found"] == 0


def test_empty_query_and_wrong_times_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()

    times = footage("search", "x", "--from", "9", "--to", "3", "--store", tmp_path, "--profile", "offline")

    assert times.returncode == 1
    assert "must be after" in times.stderr
    assert "Traceback" not in times.stderr


def test_doctor_speaks_json_and_finds_the_offline_profile_complete(prepared: object, tmp_path: Path) -> None:
    result = footage("doctor", "--profile", "offline", "--store", tmp_path, "--json")

    checks = {check["name"]: check["state"] for check in json.loads(result.stdout)}
    assert result.returncode == 0
    assert {checks[f"offline: {part}"] for part in ("speech", "text", "frames")} == {"ok"}
    assert "offline: prepared" not in checks
