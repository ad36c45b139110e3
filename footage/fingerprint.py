"""The pipeline fingerprint: a hash of everything that changes what indexing a video gives."""

import hashlib
import json
from collections.abc import Mapping

from footage.model_settings import CaptionSettings, TagSettings
from footage.settings import Settings
from footage.vocabulary import load_vocabulary

OUTPUT_VERSION = 2  # raise it when code changes what a video gives, so that videos are indexed anew


def pipeline_fingerprint(settings: Settings, model_versions: Mapping[str, str]) -> str:
    """16 hex digits that change when models, their revisions, detector settings or the schema do.

    Limits and resources are left out: they decide whether a video is indexed, not what comes of it. The length of
    a span is in it, since the transcript may differ at its edges.

    Args:
        settings: what the run uses.
        model_versions: of each component (`speech`, `text`, `frames`), what changes when its weights do.
    """
    return _hash(_content(settings, model_versions))


def component_fingerprints(settings: Settings, model_versions: Mapping[str, str]) -> dict[str, str]:
    """A hash for each part of the pipeline fingerprint, by its name: they say which part of it has changed.

    The version of a model counts with the part that it makes: `speech`, `text`, `frames`, `captions`; `decoder`, `tags`
    and `version` have none.
    """
    content = _content(settings, {})
    del content["models"]
    return {name: _hash([part, model_versions.get(name, "")]) for name, part in content.items()}


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _content(settings: Settings, model_versions: Mapping[str, str]) -> dict[str, object]:
    return {
        "version": OUTPUT_VERSION,
        "models": dict(model_versions),
        "decoder": settings.decoder.model_dump(exclude={"limits"}),
        "speech": settings.speech.model_dump(exclude={"device", "cpu_threads"}),
        "text": settings.text.model_dump(exclude={"device", "batch_size", "query_precision"}),
        "frames": settings.frames.model_dump(exclude={"device", "batch_size", "query_precision"}),
        "tags": _tags(settings.tags, settings.frames.query_precision),
        "captions": _captions(settings.captions),
    }


def _tags(settings: TagSettings, tower_precision: str) -> dict[str, object]:
    if not settings.vocabulary:
        return {}
    # The texts of the tags go through the copy that encodes queries, so its precision counts here.
    return {
        "vocabulary": load_vocabulary(settings.vocabulary).content_hash,
        "precision": tower_precision,
        **settings.model_dump(exclude={"vocabulary"}),
    }


def _captions(settings: CaptionSettings) -> dict[str, object]:
    if settings.adapter == "off":
        return {}
    # Where a server is and how it is asked changes no caption; the model that it serves has a name.
    return settings.model_dump(exclude={"device", "batch_size", "endpoint"})
