"""The pipeline fingerprint: a hash of everything that changes what indexing a video gives."""

import hashlib
import json
from collections.abc import Mapping

from footage.settings import Settings

OUTPUT_VERSION = 1  # raise it when code changes what a video gives, so that videos are indexed anew


def pipeline_fingerprint(settings: Settings, model_versions: Mapping[str, str]) -> str:
    """16 hex digits that change when models, their revisions, detector settings or the schema do.

    Limits and resources are left out: they decide whether a video is indexed, not what comes of it. The length of
    a span is in it, since the transcript may differ at its edges.

    Args:
        settings: what the run uses.
        model_versions: of each component (`speech`, `text`, `frames`), what changes when its weights do.
    """
    content = {
        "version": OUTPUT_VERSION,
        "models": dict(model_versions),
        "decoder": settings.decoder.model_dump(exclude={"limits"}),
        "speech": settings.speech.model_dump(exclude={"device", "cpu_threads"}),
        "text": settings.text.model_dump(exclude={"device", "batch_size"}),
        "frames": settings.frames.model_dump(exclude={"device", "batch_size"}),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
