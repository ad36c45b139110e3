"""The models as what is stored names them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredModels:
    """Names without versions, which are part of the pipeline fingerprint; `toy`: the model only knows drawn scenes."""

    text_model: str
    text_dimensions: int
    vision_model: str
    vision_dimensions: int
    text_toy: bool = False
    vision_toy: bool = False
    caption_model: str = ""  # empty: no captions are made
    caption_toy: bool = False
