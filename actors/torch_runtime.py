"""What every actor with a torch model does to its process before it loads one."""

import os


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
