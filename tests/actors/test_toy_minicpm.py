"""The toy captioner of the offline profile: it says what is true of drawn scenes, in this process and behind HTTP."""

import io
import random
from collections.abc import Iterator

import pytest

from actors.model_preparation import PreparedModels
from actors.vision_language import VisionLanguageModel, open_vision_language_model
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption
from footage.settings import Settings
from samples.drawing import Scene, draw_scene, random_variation
from samples.training_scenes import held_out_scenes
from tests.caption_server import CaptionServer, ServedModel, serve

SENTENCE = "Please replace the front brake pads before you change the oil in the engine."


@pytest.fixture(scope="module", params=["native", "http"])
def toy(request: pytest.FixtureRequest, offline: Settings, prepared: PreparedModels) -> Iterator[VisionLanguageModel]:
    folder, captions = prepared.caption_folder, offline.captions
    assert folder is not None
    if request.param == "native":
        model = open_vision_language_model(captions, folder)
        yield model
        model.close()
        return
    with serve(CaptionServer(ServedModel(folder))) as server:
        changes = {"adapter": "http", "model": "toy", "endpoint": server.endpoint().model_dump()}
        model = open_vision_language_model(CaptionSettings.model_validate(captions.model_dump() | changes), None)
        yield model
        model.close()


def drawn(number: int, scene: Scene, said: str) -> SceneToCaption:
    frames = []
    for seed in range(1 + number % 3):
        file = io.BytesIO()
        variation = random_variation(random.Random(1000 * number + seed))
        draw_scene(scene, 320, 180, variation).save(file, "JPEG", quality=85)
        frames.append(file.getvalue())
    return SceneToCaption(f"scene {number}", tuple(frames), said)


def test_captions_are_true_of_scenes_it_never_saw(toy: VisionLanguageModel) -> None:
    """Colour, background and texture; shape, size and place it was not able to learn, and leaves out."""
    scenes = held_out_scenes(12, seed=7)
    said = ["", SENTENCE]

    captions = toy.caption([drawn(number, scene, said[number % 2]) for number, scene in enumerate(scenes)])

    article = {"orange": "An"}
    assert captions == [
        f"{article.get(s.color, 'A')} {s.color} shape on a {s.texture} {s.background} background." for s in scenes
    ]
