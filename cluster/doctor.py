"""What is installed, which profile would run, what is missing and how to get it."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.model_preparation import prepared_models
from footage.errors import FootageError
from footage.models import resolve_model
from footage.settings import Settings, has_gpu, load_settings, resolve_profile
from footage.storage import DirectoryStore

_PACKAGES = {  # what each is for
    "ray": "runs the pipeline",
    "av": "decodes video",
    "opencv-python-headless": "scores cuts",
    "faster-whisper": "hears speech",
    "torch": "runs the text and frame models",
    "FlagEmbedding": "embeds text",
    "transformers": "embeds frames",
    "onnxruntime": "encodes queries",
    "qdrant-edge-py": "keeps the vectors",
}
_DISK_GIB = 2  # thumbnails, sidecars and vectors of about a hundred hours


@dataclass(frozen=True)
class Check:
    """One thing looked at. `advice` says what to do where the state is not `ok`."""

    name: str
    state: Literal["ok", "note", "missing"]
    found: str
    advice: str = ""


def examine(store: Path, profile: str) -> list[Check]:
    """Look at the machine, the packages, the models of each profile, and the store."""
    settings = load_settings(profile)
    checks = [_python(), _machine(), *_packages()]
    chosen = f"{settings.profile}" + (" (auto)" if profile == "auto" else "")
    checks.append(Check("profile that would run", "ok", chosen))
    for name in ("offline", "cpu", "gpu"):
        checks.extend(_models(load_settings(name), wanted=name == resolve_profile(profile)))
    checks.append(_store(store))
    return checks


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info[:2] == (3, 11):
        return Check("Python", "ok", found)
    return Check("Python", "missing", found, "footage is made for Python 3.11; make the environment with that.")


def _machine() -> Check:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = "an NVIDIA GPU" if has_gpu() else "no GPU"
    found = f"{os.cpu_count()} CPUs, {memory_gib:.0f} GiB of memory, {gpu}"
    if memory_gib < 4:
        return Check("machine", "note", found, "An index run takes up to 3.5 GiB: expect swapping.")
    return Check("machine", "ok", found)


def _packages() -> list[Check]:
    checks = []
    for name, purpose in _PACKAGES.items():
        try:
            checks.append(Check(name, "ok", f"{importlib.metadata.version(name)}, {purpose}"))
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check(name, "missing", f"not installed; {purpose}", "Run `make setup`."))
    return checks


def _models(settings: Settings, *, wanted: bool) -> list[Check]:
    """One check per model of the profile that would run; one line for each other profile."""
    checks, absent = [], []
    for part, model in (("speech", settings.speech), ("text", settings.text), ("frames", settings.frames)):
        toy = " (a toy: knows drawn scenes only)" if model.toy else ""
        try:
            resolve_model(model)
        except FootageError as error:
            absent.append(model.model)
            checks.append(Check(f"{settings.profile}: {part}", "missing", model.model, str(error)))
        else:
            checks.append(Check(f"{settings.profile}: {part}", "ok", model.model + toy))
    if not absent and prepared_models(settings) is None:
        advice = f"The first `footage index --profile {settings.profile}` does it (about a minute)."
        checks.append(Check(f"{settings.profile}: prepared", "note", "not yet", advice))
    if settings.profile == "gpu" and wanted and not has_gpu():
        checks.append(Check("gpu: device", "missing", "no GPU", "Use --profile cpu or offline."))
    if wanted:
        return checks
    if not absent:
        return [Check(f"profile {settings.profile}", "ok", "all its models are here")]
    advice = f"`footage doctor --profile {settings.profile}` says how to get them."
    return [Check(f"profile {settings.profile}", "note", f"not here: {', '.join(absent)}", advice)]


def _store(store: Path) -> Check:
    parent = next(folder for folder in (store, *store.parents) if folder.exists())
    free_gib = shutil.disk_usage(parent).free / 2**30
    found = f"{store}, {free_gib:.0f} GiB free"
    if not store.exists():
        return Check("store", "note", f"{found}, not made yet", "The first `footage index` makes it.")
    try:
        DirectoryStore(store).probe()
    except FootageError as error:
        return Check("store", "missing", found, str(error))
    if free_gib < _DISK_GIB:
        return Check("store", "note", found, "Little room: a hundred hours take about 2 GiB.")
    return Check("store", "ok", found)
