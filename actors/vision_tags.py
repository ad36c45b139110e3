"""Zero-shot tags of scenes: how probable it is that a text of the vocabulary belongs to their pictures."""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.model_batches import release_memory
from actors.onnx_towers import SiglipTextTower
from actors.torch_runtime import set_up_torch
from footage.errors import ModelMissing
from footage.model_settings import TagSettings
from footage.records import Vector
from footage.vocabulary import Vocabulary, load_vocabulary

LOG = logging.getLogger(__name__)

TEXTS_PER_BATCH = 64  # of 64 tokens each: some tens of MB of activations

Matrix = npt.NDArray[np.float32]


class VisionTagger:
    """Scores a vocabulary by SigLIP's own sigmoid.

    SigLIP is trained to tell for one picture and one text whether they belong together; its probability is
    sigmoid(scale * cosine + bias), with a scale and a bias that were learned (Zhai et al. 2023, section 3.2,
    https://arxiv.org/abs/2303.15343). It is calibrated for single pictures, so each key frame is scored by itself, and
    a scene's probability is that of its best frame: a tag says that something is seen in the scene, not all through it.
    The chance that any frame shows it is at least that (docs/decisions/0008-tags-of-a-scene.md).

    The texts' features are computed once per actor; they are kept beside the tower, so only the first actor on a
    machine takes the time. On a CPU they come from the tower for queries. On a card they come from the model itself:
    SigLIP so400m would take a core seconds for each tag, and takes a card a second for all.

    Args:
        settings: which vocabulary, and which tags to keep. `vocabulary` is set.
        tower_folder: PreparedModels.vision_tower_folder.
        model_folder: PreparedModels.vision_folder.
        device: "cpu", or a card by name.

    Raises:
        SettingsError: the vocabulary is not there or wrong.
    """

    def __init__(self, settings: TagSettings, tower_folder: Path, model_folder: Path, device: str = "cpu") -> None:
        if not settings.vocabulary:
            raise ValueError("Tags are switched off: tags.vocabulary is empty.")
        vocabulary = load_vocabulary(settings.vocabulary)
        tower = SiglipTextTower(tower_folder)
        self._settings = settings
        self._names = tuple(tag.name for tag in vocabulary.tags)
        self._scale, self._bias = tower.logit_scale, tower.logit_bias
        kind = device.partition(":")[0]
        remembered = tower_folder.parent / f"tags-{vocabulary.content_hash}-{kind}.npy"
        self._texts = _text_features(tower, vocabulary, remembered, model_folder, device)

    def tags(self, pictures: Sequence[Vector]) -> dict[str, float]:
        """Tag → probability of one scene, the most probable first; those below the threshold are left out.

        Args:
            pictures: unit vectors of the key frames, (dimensions,) each; none gives no tags.
        """
        if not pictures:
            return {}
        cosines = (np.stack(pictures) @ self._texts.T).max(axis=0).astype(np.float64)
        probabilities = 1 / (1 + np.exp(-(self._scale * cosines + self._bias)))
        # The first of equals is the first in the vocabulary.
        best = np.argsort(-probabilities, kind="stable")[: self._settings.most]
        return {
            self._names[tag]: float(probabilities[tag])
            for tag in best
            if probabilities[tag] >= self._settings.threshold
        }


def _text_features(
    tower: SiglipTextTower, vocabulary: Vocabulary, remembered: Path, model_folder: Path, device: str
) -> Matrix:
    """Unit vectors of the tags' texts, (tags, dimensions), computed or remembered."""
    features = _read(remembered)
    if features is not None:
        return features
    begun = time.monotonic()
    texts = [tag.text for tag in vocabulary.tags]
    if device == "cpu":
        features = np.stack([tower.encode(text) for text in texts])
    else:
        features = features_by_model(model_folder, [tower.token_ids(text) for text in texts], device)
    LOG.info("Computed the text features of %d tags: %.1f s", len(vocabulary.tags), time.monotonic() - begun)
    try:
        building = remembered.with_name(f"{remembered.stem}.{os.getpid()}.npy")
        np.save(building, features)
        building.replace(remembered)
    except OSError:
        # A cache that cannot be written (a read-only image) costs the time at each start, nothing else.
        LOG.info("The model cache %s cannot be written; the next actor computes them again", remembered.parent)
    return features


def _read(remembered: Path) -> Matrix | None:
    """Remembered features; None where there are none, or none that can be read."""
    if not remembered.is_file():
        return None
    try:
        features: Matrix = np.load(remembered)
    except (ValueError, EOFError, OSError) as error:
        # Damaged, as a power cut leaves a file: it is written anew.
        LOG.info("The model cache's %s cannot be read (%s); it is computed again", remembered, error)
        return None
    return features


def features_by_model(model_folder: Path, token_ids: Sequence[Sequence[int]], device: str) -> Matrix:
    """Unit vectors of texts by the model's own text tower, which is loaded for them and let go again.

    Args:
        model_folder: PreparedModels.vision_folder.
        token_ids: of each text, padded to the model's length; see SiglipTextTower.token_ids().
        device: "cpu", or a card by name, on which it calculates in half precision.

    Raises:
        ModelMissing: weights of the text tower are not in the folder.
    """
    set_up_torch()
    import torch
    from transformers import SiglipTextModel

    dtype = torch.float32 if device == "cpu" else torch.float16
    model: Any
    model, loaded = SiglipTextModel.from_pretrained(
        str(model_folder), dtype=dtype, local_files_only=True, output_loading_info=True
    )
    if loaded["missing_keys"]:
        raise ModelMissing(
            f"The frame model in {model_folder} lacks {len(loaded['missing_keys'])} weights of SigLIP's text tower, "
            f"such as {min(loaded['missing_keys'])}; fetch it again, all files."
        )
    model.to(device).eval()
    parts = []
    with torch.inference_mode():
        for first in range(0, len(token_ids), TEXTS_PER_BATCH):
            ids = torch.tensor([list(text) for text in token_ids[first : first + TEXTS_PER_BATCH]], device=device)
            features = model(input_ids=ids).pooler_output.float()
            parts.append(torch.nn.functional.normalize(features, dim=-1).cpu().numpy())
    del model
    release_memory()
    found: Matrix = np.concatenate(parts)
    return found
