"""One line for each model that was loaded."""

import logging
import re

LOG = logging.getLogger(__name__)

COMMIT = re.compile(r"[0-9a-f]{40}")
SHOWN_DIGITS = 7  # of a commit, as git shows them


def log_loaded(what: str, name: str, device: str, dtype: str, revision: str | None, seconds: float) -> None:
    """Say which model was loaded, where, how and in what time.

    Args:
        what: its part, such as "text model".
        name: a hub name, a package or the name of a folder (footage.models.model_name).
        device: such as "cpu" or "cuda:0".
        dtype: arithmetic, such as "float16", "torch.float16" or "int8".
        revision: a commit, a hash of the files' content, or None where neither is known.
        seconds: wall time of loading.
    """
    shown = revision[:SHOWN_DIGITS] if revision and COMMIT.fullmatch(revision) else revision
    LOG.info(
        "Loaded %s %s%s: %s, %s, %.1f s",
        what,
        name,
        f" at {shown}" if shown else "",
        device,
        dtype.removeprefix("torch."),
        seconds,
    )
