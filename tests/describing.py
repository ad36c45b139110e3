"""Videos ready to be described, and a language model that tells something true of what it is given."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from actors.model_batches import BatchFill
from actors.scene_writer import SceneWriter
from footage.catalog import Catalog
from footage.catalog_records import Claim
from footage.errors import ModelUnavailable
from footage.index import VectorIndex
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption
from footage.sidecar import Manifest, StoredDescription
from tests.spans import FINGERPRINT, MODELS, claim_of, span_row, spans, take

DESCRIPTION = StoredDescription.model_validate(
    {
        "text": "A car drives by the sea.",
        "model": "m",
        "toy": True,
        "embedding": {"model": "t", "dimensions": 4, "has_embedding": True},
        "fingerprint": "f",
        "described_at": "",
    }
)
NOTHING_TO_TELL = DESCRIPTION.model_copy(update={"text": ""})
NO_VECTORS = {"transcript_dense", "transcript_sparse", "visual", "caption_dense"}


def retold(prompt: str) -> str:
    """A description by rule: how many scenes the prompt tells of, and the first and the last of them."""
    lines = re.findall(r"^\[[\d:]+\] (.*)$", prompt, re.MULTILINE)
    if not lines or any("say nothing" in line for line in lines):
        return ""
    return f"{len(lines)} scenes,\n from ({lines[0]}) to ({lines[-1]})."


class Reteller:
    """A VisionLanguageModel without a network: it retells prompts of at most `most_chars` characters.

    Asked for what is `unheard of`, it cannot be reached.
    """

    most_chars = 20_000

    def __init__(self, settings: CaptionSettings, folder: Path | None, max_new_tokens: int) -> None:
        self.asked_with = (settings.adapter, settings.model, folder, max_new_tokens)
        self.fill = BatchFill()
        self.prompts: list[str] = []

    def caption(self, scenes: Sequence[SceneToCaption]) -> list[str]:
        return ["" for _ in scenes]

    def complete(self, prompts: Sequence[str]) -> list[str | None]:
        self.prompts.extend(prompts)
        if any("unheard of" in prompt for prompt in prompts):
            raise ModelUnavailable("The model server http://127.0.0.1:1/v1 does not answer.")
        return [retold(prompt) if len(prompt) <= self.most_chars else None for prompt in prompts]

    def close(self) -> None:
        self.prompts.clear()


def finished(
    catalog: Catalog,
    index: VectorIndex,
    name: str,
    texts: Sequence[str],
    captions: Sequence[str | None] | None = None,
    fingerprint: str = FINGERPRINT,
    **changes: Any,
) -> Manifest:
    """A video of one span of 10 s that a run has indexed: its scenes say `texts` and look like `captions`."""
    claim = claim_of(name, 1, fingerprint=fingerprint)
    write_again(catalog, index, take(catalog, claim), texts, captions, **changes)
    manifest = catalog.manifest(claim.video_id)
    assert manifest is not None
    return manifest


def write_again(
    catalog: Catalog,
    index: VectorIndex,
    claim: Claim,
    texts: Sequence[str],
    captions: Sequence[str | None] | None = None,
    **changes: Any,
) -> None:
    writer = SceneWriter(catalog, index, claim.pipeline_fingerprint, MODELS)
    writer(spans(span_row(claim, 0, tuple(texts), captions=list(captions or [None] * len(texts)), **changes)))


def without_vectors(scenes: int) -> dict[str, Any]:
    """Changes of a span_row whose index is of other dimensions than those that tests make."""
    return {name: [None] * scenes for name in NO_VECTORS}


def vector(*numbers: float) -> list[float]:
    return np.asarray(numbers, np.float32).tolist()
