"""What every actor with a torch model does to its process before it loads one."""

import os
from pathlib import Path

from footage.model_settings import ModelSettings
from footage.models import is_hub_name


def set_up_torch() -> None:
    """One thread, nothing printed, nothing downloaded.

    One thread because actors are many: torch with two OpenMP threads on contended cores was 20 times slower.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when huggingface_hub is imported, so set before it
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def torch_device(settings: ModelSettings) -> str:
    """The device by its full name: a worker of Ray sees only its own card, which is the first one there."""
    return "cuda:0" if settings.device == "cuda" else "cpu"


def loaded_revision(settings: ModelSettings, folder: Path) -> str | None:
    """The commit of a model from the hub, whose cache names folders by it; None for other models."""
    return folder.name if is_hub_name(settings.model) else None
