"""The description fingerprint: a hash of everything that changes what is written about a video."""

import hashlib
import json

from footage.settings import Settings

OUTPUT_VERSION = 1  # raise it when code changes what a description is made of, so that videos are described anew


def description_fingerprint(settings: Settings, pipeline_fingerprint: str, text_version: str) -> str:
    """16 hex digits that change when the model, the prompt or the limits of descriptions do, or what they tell of.

    Where a server is, and how often it is asked, is left out: that does not decide what it says.

    Args:
        settings: what the run uses. Of the captioner's weights, if it writes, the pipeline's fingerprint knows.
        pipeline_fingerprint: of the scenes that are told.
        text_version: of the model that makes the vector of a description.
    """
    writer = settings.captions.model if settings.summaries.adapter == "captioner" else settings.summaries.model
    content = {
        "version": OUTPUT_VERSION,
        "summaries": settings.summaries.model_dump(exclude={"endpoint", "model"}),
        "writer": writer,
        "pipeline": pipeline_fingerprint,
        "text": text_version,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
