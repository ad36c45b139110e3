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
from footage.directory_store import DirectoryStore
from footage.errors import FootageError
from footage.index_address import index_address, open_index
from footage.model_catalogue import size_text
from footage.model_list import ListedModel, list_models
from footage.s3_uri import is_s3
from footage.settings import PROFILES, Settings, has_gpu, load_settings
from footage.store_address import open_store
from footage.vocabulary import load_vocabulary

_PACKAGES = {  # what each is for
    "ray": "runs the pipeline",
    "av": "decodes video",
    "opencv-python-headless": "scores cuts",
    "faster-whisper": "hears speech",
    "torch": "runs the text, frame and caption models",
    "FlagEmbedding": "embeds text",
    "transformers": "embeds frames and captions scenes",
    "onnxruntime": "encodes queries",
    "qdrant-edge-py": "keeps the vectors",
    "qdrant-client": "speaks to a Qdrant server",
    "boto3": "reads and writes buckets",
}
_DISK_GIB = 2  # thumbnails, sidecars and vectors of about a hundred hours
_CAPTIONS_CPU_GIB = (
    12  # MiniCPM-V 4.6 in float32 is 5.3 GB beside BGE-M3 with 2.3 and SigLIP 2 with 1.5, and work space
)


@dataclass(frozen=True)
class Check:
    """One thing looked at. `advice` says what to do where the state is not `ok`."""

    name: str
    state: Literal["ok", "note", "missing"]
    found: str
    advice: str = ""


def examine(store: str, profile: str, index: str | None = None) -> list[Check]:
    """Look at the machine, the packages, the models of each profile, the store, and a server that holds the index."""
    settings = load_settings(profile)
    checks = [_python(), _machine(), *_packages()]
    chosen = f"{settings.profile}" + (" (auto)" if profile == "auto" else "")
    checks.append(Check("profile that would run", "ok", chosen))
    for name in sorted(file.stem for file in PROFILES.glob("*.yaml")):
        checks.extend(_profile(settings) if name == settings.profile else _other_profile(name))
    checks.append(_bucket(store, settings) if is_s3(store) else _folder(Path(store).absolute()))
    if index is not None:
        checks.append(_index(store, index, settings))
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


def _profile(settings: Settings) -> list[Check]:
    """What the profile that would run needs, one check for each thing."""
    name = settings.profile
    checks = [_model(name, model) for model in list_models(settings)]
    for section in ("captions", "summaries"):
        if getattr(settings, section).adapter == "off":
            advice = f"FOOTAGE_{section.upper()}__ADAPTER turns them on; docs/models.md says how."
            checks.append(Check(f"{name}: {section}", "note", "off", advice))
    checks.append(_vocabulary(settings))
    if all(check.state != "missing" for check in checks) and prepared_models(settings) is None:
        advice = f"The first `footage index --profile {name}` does it (about a minute)."
        checks.append(Check(f"{name}: prepared", "note", "not yet", advice))
    captions = settings.captions
    if captions.adapter == "native" and captions.device == "cpu" and not captions.toy:
        checks.append(_caption_memory(name))
    if name == "gpu" and not has_gpu():
        checks.append(Check("gpu: device", "missing", "no GPU", "Use --profile cpu or offline."))
    return checks


def _other_profile(name: str) -> list[Check]:
    """One line: whether the models of a profile that would not run are here."""
    try:
        missing = [model.model for model in list_models(load_settings(name)) if model.missing]
    except FootageError as error:  # settings from the environment are for the profile that would run
        return [Check(f"profile {name}", "note", "does not fit the environment", str(error))]
    if not missing:
        return [Check(f"profile {name}", "ok", "all its models are here")]
    advice = f"`footage models --profile {name}` lists them, and fetches them with --pull."
    return [Check(f"profile {name}", "note", f"not here: {', '.join(missing)}", advice)]


def _model(profile: str, model: ListedModel) -> Check:
    name, found = f"{profile}: {model.job}", model.model
    if model.missing:
        size = f" (about {size_text(model.download_bytes)})" if model.download_bytes else ""
        pull = f"`footage models --profile {profile} --pull` fetches it{size} into {model.place}."
        return Check(name, "missing", found, pull if model.origin == "hub" else model.missing)
    if model.origin == "server":
        found += f", served at {model.place} (not asked)"
    if model.origin == "captions":
        found += ", the captions model"
    return Check(name, "ok", found + (" (a toy: knows drawn scenes only)" if model.toy else ""))


def _vocabulary(settings: Settings) -> Check:
    name, place = f"{settings.profile}: tags", settings.tags.vocabulary
    if not place:
        return Check(name, "note", "off", "tags.vocabulary names the file of tags; docs/models.md says how.")
    try:
        tags = load_vocabulary(place).tags
    except FootageError as error:
        return Check(name, "missing", place, str(error))
    return Check(name, "ok", f"{len(tags)} tags in {place}")


def _caption_memory(profile: str) -> Check:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = f"on the CPU, {memory_gib:.0f} GiB of memory"
    slow = "Captions on a CPU take most of the time of a run; docs/models.md says how to turn them off."
    if memory_gib < _CAPTIONS_CPU_GIB:
        slow = f"They want about {_CAPTIONS_CPU_GIB} GiB with the other models. {slow}"
    return Check(f"{profile}: captions device", "note", found, slow)


def _folder(store: Path) -> Check:
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


def _bucket(store: str, settings: Settings) -> Check:
    try:
        open_store(store, settings.s3).probe()
    except FootageError as error:
        return Check("store", "missing", store, str(error))
    where = f" at {settings.s3.endpoint}" if settings.s3.endpoint else ""
    return Check("store", "ok", f"{store}{where}: reads, writes, and honours conditional writes")


def _index(store: str, index: str, settings: Settings) -> Check:
    models = prepared_models(settings)
    if models is None:
        return Check("index", "note", index, "Its vectors cannot be compared with the models: they are not prepared.")
    try:
        address = index_address(store, index)
        open_index(address, models.index_spec(), settings.qdrant, "footage doctor", create=False).close()
    except FootageError as error:
        return Check("index", "note", index, str(error))
    return Check("index", "ok", index)
