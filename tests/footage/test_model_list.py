from fnmatch import fnmatch
from pathlib import Path

import pytest

from footage.errors import ModelMissing
from footage.model_catalogue import CATALOGUE, KnownModel, known_model, revision_of, size_text
from footage.model_list import ListedModel, check_models, list_models
from footage.models import COMMIT, PROJECT_ROOT, is_hub_name, resolve_model
from footage.settings import PROFILES, load_settings


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    return tmp_path / "hub"


def wants(known: KnownModel, file: str) -> bool:
    return any(fnmatch(file, pattern) for pattern in known.files)


@pytest.mark.parametrize("profile", sorted(file.stem for file in PROFILES.glob("*.yaml")))
def test_the_catalogue_knows_every_model_of_a_profile(profile: str) -> None:
    listed = list_models(load_settings(profile))
    assert [model.model for model in listed if known_model(model.model) is None] == []
    assert [model.model for model in listed if model.licence is None and model.origin != "captions"] == []


def test_every_hub_model_of_the_catalogue_is_pinned_and_named_once() -> None:
    hub = [known for known in CATALOGUE if is_hub_name(known.name)]
    assert len({known.name for known in CATALOGUE}) == len(CATALOGUE)
    assert [known.name for known in hub if COMMIT.fullmatch(known.revision) is None] == []
    assert [known.name for known in hub if not wants(known, "config.json") or wants(known, "README.md")] == []
    assert revision_of("BAAI/bge-m3", None) == "5617a9f61b028005a4858fdac845db406aefb181"
    assert (revision_of("BAAI/bge-m3", "main"), revision_of("someone/model", None)) == ("main", "main")


def test_bge_m3_is_fetched_without_its_second_copy() -> None:
    known = known_model("BAAI/bge-m3")
    assert known is not None
    files = ("sparse_linear.pt", "sentencepiece.bpe.model", "onnx/model.onnx_data", "imgs/bm25.jpg", "README.md")
    assert [wants(known, file) for file in files] == [True, True, False, False, False]


def test_sizes_are_shown_as_the_hub_shows_them() -> None:
    assert [size_text(size) for size in (512, 483_546_902, 2_296_000_000)] == ["1 kB", "484 MB", "2.3 GB"]


def test_models_of_a_profile_are_listed_with_what_is_known(empty_cache: Path) -> None:
    settings = load_settings("offline")
    assert list_models(settings)[2] == ListedModel(
        job="frames",
        model="project:samples/models/toy-siglip",
        origin="project",
        place=str(PROJECT_ROOT / "samples" / "models" / "toy-siglip"),
        revision=None,
        licence="footage's own",
        download_bytes=None,
        on_disk_bytes=sum(file.stat().st_size for file in resolve_model(settings.frames).iterdir()),
        toy=True,
    )
    listed = list_models(load_settings("cpu"))
    assert [(model.job, model.model, model.origin, model.on_disk_bytes) for model in listed] == [
        ("speech", "Systran/faster-whisper-small", "hub", None),
        ("text", "BAAI/bge-m3", "hub", None),
        ("frames", "google/siglip2-base-patch16-224", "hub", None),
        ("captions", "openbmb/MiniCPM-V-4.6", "hub", None),
        ("summaries", "openbmb/MiniCPM-V-4.6", "captions", None),
    ]


def test_served_models_are_listed_with_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "CAPTIONS__ADAPTER": "http",
        "CAPTIONS__MODEL": "openbmb/MiniCPM-V-2_6-int4",
        "CAPTIONS__ENDPOINT__URL": "https://models.example:8443/v1",
        "SUMMARIES__ADAPTER": "http",
        "SUMMARIES__MODEL": "writer",
        "SUMMARIES__ENDPOINT__URL": "http://127.0.0.1:8001/v1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"FOOTAGE_{name}", value)
    captions, summaries = list_models(load_settings("offline"))[3:]
    place = "https://models.example:8443/v1"
    toy = load_settings("offline").captions.toy
    model = "openbmb/MiniCPM-V-2_6-int4"
    assert captions == ListedModel("captions", model, "server", place, None, None, None, None, toy)
    assert (summaries.model, summaries.origin, summaries.place) == ("writer", "server", "http://127.0.0.1:8001/v1")


def test_missing_models_are_one_sentence_with_sizes_and_ways_out(empty_cache: Path) -> None:
    with pytest.raises(ModelMissing) as raised:
        check_models(load_settings("gpu"))
    assert str(raised.value) == (
        f"Models of profile gpu are not on this machine (looked in {empty_cache}):"
        " Systran/faster-distil-whisper-large-v3 (speech, about 1.5 GB), BAAI/bge-m3 (text, about 2.3 GB),"
        " google/siglip-so400m-patch14-384 (frames, about 3.5 GB),"
        " openbmb/MiniCPM-V-4.6 (captions, about 2.6 GB), together about 10.0 GB; fetch with `footage models"
        " --profile gpu --pull`, here or on a machine with hub access whose cache is shared or copied, or use"
        " `--profile offline`, whose models come with the installation."
    )


def test_one_missing_model_of_the_offline_profile_is_not_told_to_use_it(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTAGE_SPEECH__MODEL", "someone/whisper")
    with pytest.raises(
        ModelMissing, match=r"^A model of profile offline .* someone/whisper \(speech, size not known\);"
    ):
        check_models(load_settings("offline"))
    monkeypatch.setenv("FOOTAGE_SPEECH__MODEL", "package:no_such_package")
    with pytest.raises(ModelMissing, match=r"^The package no_such_package"):
        check_models(load_settings("offline"))
    monkeypatch.delenv("FOOTAGE_SPEECH__MODEL")
    check_models(load_settings("offline"))
