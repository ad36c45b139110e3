import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from actors.model_preparation import PreparedModels, prepare_models, prepared_models
from actors.onnx_towers import SiglipTextTower, TextTower
from actors.text_embedder import TextEmbedder
from actors.tower_precision import TOLERANCES
from footage.errors import ModelMissing, SettingsError
from footage.model_settings import CaptionSettings
from footage.models import PROJECT_ROOT, resolve_model
from footage.settings import Settings
from footage.stored_models import StoredModels
from tests.tiny_minicpm import make_minicpm
from tests.tiny_models import TEXTS, make_m3, make_siglip, make_siglip2


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, offline: Settings) -> Settings:
    """The offline profile with a random BGE-M3 and a random SigLIP 2."""
    folder = tmp_path_factory.mktemp("models")
    text = offline.text.model_copy(
        update={"model": str(make_m3(folder / "m3")), "pooling": "cls", "max_tokens": 64},
    )
    frames = offline.frames.model_copy(update={"model": str(make_siglip2(folder / "siglip2"))})
    return offline.model_copy(update={"text": text, "frames": frames})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOOTAGE_MODEL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_bge_m3_and_a_siglip_2_are_exported_and_used_as_they_are(tiny: Settings, cache: Path) -> None:
    from transformers import AutoProcessor

    assert prepared_models(tiny) is None
    said: list[str] = []
    models = prepare_models(tiny, said.append)
    assert said == ["Preparing the text model m3 for queries.", "Preparing the frame model siglip2 for queries."]
    assert (models.text_folder, models.vision_folder) == (Path(tiny.text.model), Path(tiny.frames.model))
    assert (models.text_dimensions, models.vision_dimensions, models.sparse_idf) == (32, 24, False)
    assert prepared_models(tiny) == models

    tower = TextTower(models.text_tower_folder)
    indexed = TextEmbedder(tiny.text, models.text_folder).embed({text: text for text in TEXTS})
    for text in TEXTS:
        dense, sparse = tower.encode(text)
        np.testing.assert_allclose(dense, indexed[text][0], atol=1e-5)
        assert sparse.indices == indexed[text][1].indices
        np.testing.assert_allclose(sparse.values, indexed[text][1].values, atol=1e-4)
    assert any(indexed[text][1].indices for text in TEXTS)

    processor = AutoProcessor.from_pretrained(tiny.frames.model)
    vision = SiglipTextTower(models.vision_tower_folder)
    for text in ("a red car!", "", "a text of more than sixty-four letters, which is what the model takes of one"):
        ids = processor(text=[text], padding="max_length", truncation=True, max_length=64)["input_ids"][0]
        assert vision.token_ids(text) == ids
    # SigLIP 2 was trained on small letters, which its checkpoint's own tokenizer does not make.
    assert vision.token_ids("A Red CAR!") == vision.token_ids("a red car!")
    assert processor(text=["A Red CAR!"])["input_ids"][0] != processor(text=["a red car!"])["input_ids"][0]
    assert (vision.logit_scale, vision.logit_bias) == pytest.approx((np.exp(4.7), -16.7), rel=1e-5)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_layouts_of_the_gpu_profile_are_exported_in_each_precision(
    tiny: Settings, cache: Path, tmp_path: Path, precision: str
) -> None:
    """A BGE-M3 with safetensors, and a SigLIP 1 with SentencePiece's tokenizer."""
    choices = {"query_precision": precision}
    text = tiny.text.model_copy(update={**choices, "model": str(make_m3(tmp_path / "m3", weights="model.safetensors"))})
    frames = tiny.frames.model_copy(update={**choices, "model": str(make_siglip(tmp_path / "siglip"))})
    models = prepare_models(tiny.model_copy(update={"text": text, "frames": frames}), lambda line: None)
    tower, vision = TextTower(models.text_tower_folder), SiglipTextTower(models.vision_tower_folder)
    indexed = TextEmbedder(text, models.text_folder).embed({text: text for text in TEXTS})
    for line in TEXTS:
        assert float(tower.encode(line)[0] @ indexed[line][0]) > TOLERANCES[precision].least_cosine
        assert vision.encode(line).shape == (models.vision_dimensions,) == (24,)
    for line, (dense, sparse) in zip(TEXTS, tower.encode_many(TEXTS), strict=True):
        alone, sparse_alone = tower.encode(line)
        np.testing.assert_allclose(dense, alone, atol=1e-5)
        assert sparse.indices == sparse_alone.indices
        np.testing.assert_allclose(sparse.values, sparse_alone.values, atol=1e-5)
    assert (vision.logit_scale, vision.logit_bias) == pytest.approx((np.exp(4.7), -16.7), rel=1e-5)


def test_the_captioner_is_named_by_its_adapter(tiny: Settings, cache: Path, tmp_path: Path) -> None:
    folder = make_minicpm(tmp_path / "minicpm")
    asked = {
        "off": CaptionSettings(model="nobody/nothing"),
        "native": CaptionSettings(adapter="native", model=str(folder), toy=True),
        "http": CaptionSettings(adapter="http", model="served-name"),
    }
    models = {
        name: prepare_models(tiny.model_copy(update={"captions": captions}), lambda line: None)
        for name, captions in asked.items()
    }
    named = {name: (found.caption_name, found.caption_folder) for name, found in models.items()}
    assert named == {"off": ("", None), "native": ("minicpm", folder), "http": ("served-name", None)}
    assert models["off"].caption_version == ""
    assert models["native"].caption_version.startswith("sha256:")
    assert models["http"].versions["captions"] == "served-name"
    assert models["native"].named() == StoredModels(
        text_model="m3",
        text_dimensions=32,
        vision_model="siglip2",
        vision_dimensions=24,
        vision_toy=True,
        caption_model="minicpm",
        caption_toy=True,
    )
    missing = tiny.model_copy(update={"captions": CaptionSettings(adapter="native", model="nobody/nothing")})
    with pytest.raises(ModelMissing, match=r"The model nobody/nothing"):
        prepared_models(missing)


def test_what_is_prepared_is_not_prepared_again(tiny: Settings, cache: Path) -> None:
    models = prepare_models(tiny, lambda line: None)
    said: list[str] = []
    assert prepare_models(tiny, said.append) == models
    assert said == []
    longer = tiny.model_copy(update={"text": tiny.text.model_copy(update={"max_tokens": 32})})
    assert prepared_models(longer) is None
    for section in ("text", "frames"):
        smaller = getattr(tiny, section).model_copy(update={"query_precision": "int8"})
        assert prepared_models(tiny.model_copy(update={section: smaller})) is None


def test_what_a_killed_preparation_left_is_made_anew(tiny: Settings, cache: Path) -> None:
    models = prepare_models(tiny, lambda line: None)
    entry = models.text_tower_folder.parent
    (entry / "tower").rename(entry.with_name(f"{entry.name}.building"))
    shutil.rmtree(entry)
    assert prepared_models(tiny) is None
    assert prepare_models(tiny, lambda line: None) == models
    assert sorted(path.name for path in models.text_tower_folder.iterdir()) == [
        "model.onnx",
        "tokenizer.json",
        "tower.json",
        "weights.bin",
    ]


def test_processes_that_prepare_at_once_share_the_result(tiny: Settings, cache: Path) -> None:
    environment = {
        **os.environ,
        "FOOTAGE_TEXT__MODEL": tiny.text.model,
        "FOOTAGE_TEXT__POOLING": "cls",
        "FOOTAGE_FRAMES__MODEL": tiny.frames.model,
    }
    command = [sys.executable, "-m", "actors.model_preparation", "--profile", "offline"]
    children = [
        subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [child.communicate(timeout=250) for child in children]
    assert [child.returncode for child in children] == [0, 0]
    first, second = (json.loads(out.splitlines()[-1]) for out, _ in outputs)
    assert first == second
    assert Path(first["text_tower_folder"]).is_dir()
    said = "".join(errors for _, errors in outputs)
    assert said.count("Preparing the text model m3") == said.count("Preparing the frame model siglip2") == 1


def test_a_model_without_its_sparse_head_is_missing(tiny: Settings, cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "headless"
    shutil.copytree(tiny.text.model, folder, ignore=shutil.ignore_patterns("sparse_linear.pt"))
    headless = tiny.model_copy(update={"text": tiny.text.model_copy(update={"model": str(folder)})})
    with pytest.raises(ModelMissing, match=r"headless lacks sparse_linear.pt and colbert_linear.pt"):
        prepare_models(headless, lambda line: None)
    assert prepared_models(headless) is None


def test_a_frame_model_of_another_architecture_is_refused(tiny: Settings, cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "naflex"
    shutil.copytree(tiny.frames.model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "siglip2"}))
    other = tiny.model_copy(update={"frames": tiny.frames.model_copy(update={"model": str(folder)})})
    with pytest.raises(SettingsError, match=r"naflex is of type 'siglip2', and footage runs `siglip`"):
        prepare_models(other, lambda line: None)


def test_a_missing_model_is_said_in_one_line(cache: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "actors.model_preparation", "--profile", "offline"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "FOOTAGE_FRAMES__MODEL": "nobody/nothing", "HF_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stdout, child.stderr.count("\n")) == (1, "", 1)
    assert "The model nobody/nothing is not " in child.stderr


def test_the_offline_text_model_is_a_plain_sentence_model_made_over(
    offline: Settings, prepared: PreparedModels
) -> None:
    assert prepared.sparse_idf
    assert prepared.text_folder != resolve_model(offline.text)
    assert prepared.versions == {
        "speech": prepared.speech_version,
        "text": prepared.text_version,
        "frames": prepared.vision_version,
        "captions": prepared.caption_version,
    }
    end = json.loads((prepared.text_folder / "tokenizer_config.json").read_text())["eos_token"]
    assert end == "[SEP]"
