"""Where models are found on this machine. Nothing is downloaded and no model is replaced by another."""

import hashlib
import importlib.util
import json
import os
import re
from pathlib import Path

from footage.errors import ModelMissing
from footage.model_catalogue import known_model, revision_of, size_text
from footage.model_settings import ModelSettings

PROJECT_ROOT = Path(__file__).resolve().parents[1]
CONFIG = "config.json"
SHARDS = "model.safetensors.index.json"
WEIGHTS = ("model.bin", "model.safetensors", SHARDS, "pytorch_model.bin")
VERSIONED = (".json", ".safetensors", ".bin", ".pt", ".model", ".txt")  # weights, heads, tokenizers, their settings
WAYS_OUT = (
    "fetch it with `footage models --pull` and the same --profile, here or on a machine with hub access whose cache is"
    " shared or copied, or use `--profile offline`, whose models come with the installation"
)
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")


def model_cache() -> Path:
    """The folder of prepared models: FOOTAGE_MODEL_CACHE, else ~/.cache/footage. It need not exist yet."""
    chosen = os.environ.get("FOOTAGE_MODEL_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "footage"


def model_name(settings: ModelSettings) -> str:
    """The model's name for people and for what is stored: a hub name, a package or the name of a folder."""
    if is_hub_name(settings.model):
        return settings.model
    place = settings.model.partition(":")[2] or settings.model
    return Path(place).name


def is_hub_name(model: str) -> bool:
    """Whether `model` is `owner/name`; a relative folder is written `./owner/name`."""
    return HUB_NAME.fullmatch(model) is not None and not model.startswith(".")


def resolve_model(settings: ModelSettings) -> Path:
    """The folder that holds the model's config.json and weights.

    Raises:
        ModelMissing: it is not on this machine, or only a part of it; the message names the ways out.
    """
    model = settings.model
    if model.startswith("package:"):
        return _in_package(model.removeprefix("package:"))
    if model.startswith("project:"):
        return _checked(PROJECT_ROOT / model.removeprefix("project:"), model, "restore it from footage's repository")
    if is_hub_name(model):
        return _in_hub_cache(model, settings.revision)
    return _checked(Path(model).expanduser().absolute(), model, "correct the setting, or use `--profile offline`")


def model_version(settings: ModelSettings) -> str:
    """What changes when the model does: the hub's commit, else a hash of the files' content.

    The content is hashed once and remembered in the model cache until a file's size or time changes.

    Raises:
        ModelMissing: as for resolve_model().
    """
    folder = resolve_model(settings)
    if is_hub_name(settings.model):
        return folder.name
    stats = {file.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in _versioned_files(folder)}
    state = hashlib.sha256(json.dumps([str(folder), stats]).encode()).hexdigest()
    remembered = model_cache() / "versions" / state
    if remembered.is_file():
        return remembered.read_text()
    digest = hashlib.sha256()
    for file in _versioned_files(folder):
        with file.open("rb") as stream:
            digest.update(f"{file.name}:{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    version = f"sha256:{digest.hexdigest()[:16]}"
    _remember(remembered, version)
    return version


def _remember(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        building = file.with_name(f"{file.name}.{os.getpid()}")
        building.write_text(text)
        building.replace(file)
    except OSError:
        # A cache that cannot be written (a read-only image) costs the hashing each time, nothing else.
        return


def _versioned_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in VERSIONED and file.is_file())


def _in_package(package: str) -> Path:
    # find_spec() does not run a top-level package: some of them import a whole framework.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissing(
            f"The package {package}, which holds a model of this profile, is not installed; "
            f"install it (make setup), or choose another profile."
        )
    root = Path(spec.submodule_search_locations[0])
    folders = sorted((file.parent for file in root.rglob(CONFIG)), key=lambda found: (len(found.parts), str(found)))
    for folder in folders:
        if not _absent_files(folder, package):
            return folder
    raise ModelMissing(f"The package {package} holds no {CONFIG} next to model weights; install it again.")


def _in_hub_cache(name: str, revision: str | None) -> Path:
    """The snapshot in the hub cache, by the layout that huggingface_hub documents.

    Read directly, since importing huggingface_hub's snapshot_download took 1.1 s, four times a whole cold search.
    https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    wanted = revision_of(name, revision)
    folder = _snapshot(name, wanted)
    absent = _absent_files(folder, name) if folder else []
    if folder and not absent:
        return folder
    known = known_model(name)
    size = f" (about {size_text(known.size_bytes)})" if known else ""
    at = "" if wanted == "main" else f" at revision {wanted[:12]}"
    where = f"is not on this machine (looked in {hub_cache()})"
    if folder:
        where = f"is only partly on this machine: {folder} lacks {', '.join(absent)}"
    raise ModelMissing(f"The model {name}{size}{at} {where}; {WAYS_OUT}.")


def _snapshot(name: str, revision: str) -> Path | None:
    """The folder of a revision that has at least been begun."""
    repository = hub_cache() / f"models--{name.replace('/', '--')}"
    reference = repository / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = repository / "snapshots" / commit
    return folder if COMMIT.fullmatch(commit) and folder.is_dir() else None


def hub_cache() -> Path:
    """The folder where models fetched from the hub lie: HF_HUB_CACHE, else in HF_HOME. It need not exist yet."""
    chosen = os.environ.get("HF_HUB_CACHE")
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(chosen).expanduser() if chosen else Path(home).expanduser() / "hub"


def _checked(folder: Path, model: str, way_out: str) -> Path:
    if absent := _absent_files(folder, model):
        raise ModelMissing(f"The model {model} is not there: {folder} lacks {', '.join(absent)}; {way_out}.")
    return folder


def _absent_files(folder: Path, model: str) -> list[str]:
    """What a model's folder lacks. An interrupted fetch leaves a folder with some of its files."""
    known = known_model(model)
    names = {CONFIG, *(known.required_files if known else ())}
    absent = [name for name in sorted(names) if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHTS):
        weights = [name for name in absent if name in WEIGHTS]
        return absent if weights else [*absent, f"weights ({', '.join(WEIGHTS)})"]
    if (folder / SHARDS).is_file():
        shards = set(json.loads((folder / SHARDS).read_text()).get("weight_map", {}).values())
        absent.extend(name for name in sorted(shards) if not (folder / name).is_file())
    return absent
