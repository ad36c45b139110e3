"""Fetches models from the hub into the hub cache, which several machines can share.

huggingface_hub does the fetching: a file is complete or absent, a broken connection goes on where it broke, and what a
killed process had finished is not fetched again.
https://huggingface.co/docs/huggingface_hub/guides/download
"""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from footage.errors import ModelMissing
from footage.model_catalogue import known_model, revision_of, size_text
from footage.model_settings import ModelSettings
from footage.models import hub_cache, resolve_model

_FREE_BYTES = 1_000_000_000  # left on the disk for what preparation writes: an export of BGE-M3 in int8 is 0.6 GB
_ABANDONED_S = 3600  # a running fetch writes to its file all the time
# Without a catalogue entry: weights once, in what transformers and CTranslate2 load, and no export for other runtimes.
_ALL_BUT = ("onnx/*", "openvino/*", "imgs/*", "*.gguf", "*.onnx", "*.msgpack", "*.h5", "*.tflite")
_OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # both are read by huggingface_hub.constants


def fetch_model(settings: ModelSettings, progress: Callable[[str], None]) -> Path:
    """Fetch a hub model if it is not here, and give its folder. huggingface_hub draws its progress bars on stderr.

    Args:
        settings: of a hub model (`owner/name`).
        progress: gets a sentence for what begins and what was done.

    Raises:
        ModelMissing: it cannot be had: no way to the hub, no such model or revision, no permission, no room, or the
            hub's files are not those of a model that footage can load. The message says which and what to do.
    """
    _check_online()
    # Imported here: it takes a second, and only this needs it.
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import XetDownloadError

    name, revision = settings.model, revision_of(settings.model, settings.revision)
    known = known_model(name)
    wanted = {
        "repo_id": name,
        "revision": revision,
        "cache_dir": hub_cache(),
        "allow_patterns": list(known.files) if known else None,
        "ignore_patterns": None if known else list(_ALL_BUT),
    }
    try:
        files = [file for file in snapshot_download(**wanted, dry_run=True) if file.will_download]
        size_bytes = sum(file.file_size or 0 for file in files)
        _check_room(name, size_bytes)
        progress(f"Fetching {name}: {len(files)} files, {size_text(size_bytes)}, into {hub_cache()}.")
        snapshot_download(**wanted)
    except (OSError, httpx2.HTTPError, XetDownloadError) as error:
        raise ModelMissing(_reason(name, revision, error)) from error
    _remove_abandoned(name)
    return resolve_model(settings)


def _check_online() -> None:
    for variable in _OFFLINE_VARIABLES:
        if os.environ.get(variable, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise ModelMissing(f"{variable} is set, so nothing can be fetched; unset it, or fetch on another machine.")


def _check_room(name: str, size_bytes: int) -> None:
    parent = next(folder for folder in (hub_cache(), *hub_cache().absolute().parents) if folder.exists())
    free_bytes = shutil.disk_usage(parent).free
    if free_bytes < size_bytes + _FREE_BYTES:
        raise ModelMissing(
            f"There is no room for {name}: it needs {size_text(size_bytes)} and {size_text(_FREE_BYTES)} to work with,"
            f" and the disk of {hub_cache()} has {size_text(free_bytes)} free; make room, or set HF_HOME to a folder on"
            " a larger disk."
        )


def _reason(name: str, revision: str, error: BaseException) -> str:
    """A sentence for what the hub client raised; it wraps the reason in errors of its own."""
    import httpx2
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    said = f"The model {name} cannot be fetched"
    for cause in _causes(error):
        match cause:
            case GatedRepoError():
                return (
                    f"{said}: its owner gives it to those who accepted its terms. Accept them on the page of the model"
                    " and set HF_TOKEN to a token of that account."
                )
            case RepositoryNotFoundError():
                return (
                    f"{said}: the hub has no such model, or it is private. Check the name; for a private one set"
                    " HF_TOKEN to a token that may read it."
                )
            case RevisionNotFoundError() | RemoteEntryNotFoundError():
                return f"{said}: the hub has no revision {revision} of it; set `revision` to one that it has."
            case HfHubHTTPError() if cause.response.status_code in (401, 403):
                return f"{said}: the hub refuses it ({cause.response.status_code}); set HF_TOKEN to a valid token."
            case HfHubHTTPError():
                return f"{said}: the hub answered {cause.response.status_code}; try again later."
            case httpx2.HTTPError():
                return (
                    f"{said}: the hub cannot be reached ({_first_line(cause)}). Try"
                    " again (what was fetched is kept), or fetch it on a machine with hub access and copy or share its"
                    f" cache ({hub_cache()})."
                )
            case OSError() if cause.errno == errno.ENOSPC:
                return f"{said}: the disk of {hub_cache()} is full; make room, or set HF_HOME to a larger disk."
            case OSError() if cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                return f"{said}: {hub_cache()} cannot be written ({cause.strerror}); set HF_HOME to a folder of yours."
    return f"{said} ({_first_line(error)}); try again, what was fetched is kept."


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no answer'])[0]}"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, outermost first."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _remove_abandoned(name: str) -> None:
    """Remove what killed processes left half fetched: nothing would ever use or remove it."""
    blobs = hub_cache() / f"models--{name.replace('/', '--')}" / "blobs"
    for leftover in blobs.glob("*.incomplete"):
        if time.time() - leftover.stat().st_mtime > _ABANDONED_S:
            leftover.unlink(missing_ok=True)
