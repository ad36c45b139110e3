"""The pictures of a scene that a vision-language model can be shown."""

import io
import logging
from dataclasses import dataclass
from typing import Any

from actors.caption_prompt import evenly_chosen
from footage.records import SceneToCaption

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """A key frame, as the file it was and as pixels."""

    jpeg: bytes
    image: Any  # PIL.Image.Image, RGB


def pictures_of(scene: SceneToCaption, most: int) -> list[Picture]:
    """At most so many pictures of the scene, evenly chosen among those that decode; empty where none does.

    A warning names the scene of a picture that does not decode: the decoder wrote it, so the store or the memory it
    passed through is at fault, and one picture is not worth a run.
    """
    found = [picture for frame in scene.key_frames if (picture := _picture(frame)) is not None]
    if len(found) < len(scene.key_frames):
        LOG.warning(
            "%d of the %d key frames of scene %s do not decode; %s.",
            len(scene.key_frames) - len(found),
            len(scene.key_frames),
            scene.scene_id,
            "its caption comes from the others" if found else "it gets no caption",
        )
    return evenly_chosen(found, most)


def _picture(frame: bytes) -> Picture | None:
    from PIL import Image

    try:
        # Only JPEG: what else Pillow reads is none of the decoder's, and more code to meet with broken bytes.
        return Picture(frame, Image.open(io.BytesIO(frame), formats=("JPEG",)).convert("RGB"))
    except (OSError, Image.DecompressionBombError):
        return None
