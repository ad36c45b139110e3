"""Every model of the gpu profile on a card, held against itself on the CPU or against what is known of the samples."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actors.frame_embedder import FrameEmbedder
from actors.model_preparation import PreparedModels
from actors.query_encoder import QueryEncoder
from actors.text_embedder import TextEmbedder
from actors.transcriber import Transcriber
from actors.vision_language import open_vision_language_model
from footage.model_settings import TagSettings
from footage.records import AUDIO_RATE_HZ, SceneToCaption
from footage.settings import Settings
from tests.conftest import PROJECT

pytestmark = pytest.mark.gpu

TEXTS = {
    "brakes": "Please replace the front brake pads before you change the oil in the engine.",
    "lighthouse": "A lighthouse above the sea",
    "korean": "고양이가 창가에서 자고 있다.",
}
COLOURS = {"red": (200, 20, 20), "green": (20, 160, 40), "blue": (20, 40, 200)}


def picture(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def allocated_mib() -> float:
    import torch

    return float(torch.cuda.memory_allocated() / 2**20)


@pytest.fixture(autouse=True)
def memory_is_given_back(card: str) -> Iterator[None]:
    """Each model here is closed in its test; what it held must be free for the other pools on the card."""
    before = allocated_mib()
    yield
    assert allocated_mib() <= before + 64  # CUDA's own workspaces stay


def test_bge_m3_in_half_precision_gives_the_vectors_of_full_precision(
    gpu: Settings, gpu_models: PreparedModels
) -> None:
    on_card = TextEmbedder(gpu.text, gpu_models.text_folder)
    half = on_card.embed(TEXTS)
    on_card.close()
    on_cpu = TextEmbedder(gpu.text.model_copy(update={"device": "cpu", "use_fp16": False}), gpu_models.text_folder)
    full = on_cpu.embed(TEXTS)
    on_cpu.close()
    assert [float(half[name][0] @ full[name][0]) > 0.999 for name in TEXTS] == [True] * len(TEXTS)
    assert [half[name][1].indices for name in TEXTS] == [full[name][1].indices for name in TEXTS]


def test_siglip_with_the_fast_processor_gives_the_vectors_of_the_cpu(gpu: Settings, gpu_models: PreparedModels) -> None:
    frames = {name: [picture(colour)] for name, colour in COLOURS.items()}
    no_tags = TagSettings(vocabulary=None)
    folders = (gpu_models.vision_folder, no_tags, gpu_models.vision_tower_folder)
    on_card = FrameEmbedder(gpu.frames, *folders)
    half = on_card.embed(frames)
    on_card.close()
    on_cpu = FrameEmbedder(gpu.frames.model_copy(update={"device": "cpu", "use_fp16": False}), *folders)
    full = on_cpu.embed(frames)
    on_cpu.close()
    assert [float(half[name] @ full[name]) > 0.995 for name in COLOURS] == [True] * len(COLOURS)


def test_queries_find_the_pictures_and_the_sentences(gpu: Settings, gpu_models: PreparedModels) -> None:
    """The exported towers, in the precision of the profile, speak with the models on the card."""
    embedder = TextEmbedder(gpu.text, gpu_models.text_folder)
    sentences = embedder.embed(TEXTS)
    embedder.close()
    frames = FrameEmbedder(
        gpu.frames, gpu_models.vision_folder, TagSettings(vocabulary=None), gpu_models.vision_tower_folder
    )
    pictures = frames.embed({name: [picture(colour)] for name, colour in COLOURS.items()})
    frames.close()
    encoder = QueryEncoder(gpu_models)
    asked = {"car repair": "brakes", "ocean tower": "lighthouse", "a cat sleeping by the window": "korean"}
    best = {query: _nearest(np.asarray(encoder.encode(query).transcript), _dense(sentences)) for query in asked}
    assert best == asked
    seen = {name: _nearest(np.asarray(encoder.encode(f"the colour {name}").visual), pictures) for name in COLOURS}
    assert seen == {name: name for name in COLOURS}


def test_whisper_hears_the_samples_in_half_precision_and_batches(gpu: Settings) -> None:
    from faster_whisper import decode_audio

    assert (gpu.speech.compute_type, gpu.speech.batch_size > 1) == ("float16", True)
    truth = json.loads((PROJECT / "samples" / "truth.json").read_text())
    clip = next(clip for clip in truth["clips"] if clip["file"] == "garage.mp4")
    audio = decode_audio(str(PROJECT / "samples" / "clips" / clip["file"]), sampling_rate=AUDIO_RATE_HZ)
    segments, language = Transcriber(gpu.speech).transcribe((audio * 32767).astype("<i2").tobytes(), 0.0)
    text = " ".join(segment.text for segment in segments).lower()
    assert language == "en"
    assert [word for word in ("brake", "engine", "tires", "drive") if word not in text] == []


def test_minicpm_names_the_colour_of_each_scene_in_its_batch(gpu: Settings, gpu_models: PreparedModels) -> None:
    settings = gpu.captions.model_copy(update={"prompt": "Which colour fills this picture? One word.{said}"})
    model = open_vision_language_model(settings, gpu_models.caption_folder)
    captions = model.caption([SceneToCaption(name, (picture(colour),), "") for name, colour in COLOURS.items()])
    written = model.complete(["Answer with one word: what is the capital of France?"])
    model.close()
    assert [name in caption.lower() for name, caption in zip(COLOURS, captions, strict=True)] == [True] * 3
    assert "paris" in (written[0] or "").lower()


def _nearest(query: np.ndarray, vectors: dict[str, Any]) -> str:
    return max(vectors, key=lambda name: float(query @ np.asarray(vectors[name])))


def _dense(embedded: dict[str, Any]) -> dict[str, Any]:
    return {name: dense for name, (dense, _) in embedded.items()}
