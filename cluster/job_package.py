"""What of footage is sent to a cluster with a job: its packages, and the models that come with it if they are used."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from footage.errors import SettingsError
from footage.settings import Settings

_PARTS = frozenset({"footage", "actors", "pipelines", "serve_apps", "cluster"})
_CACHES = "__pycache__"
MOST_BYTES = 512 * 2**20  # of one package, zipped: what the cluster's GCS takes (ray._private.runtime_env.packaging)


@dataclass(frozen=True)
class Package:
    """A folder, and what is left out of it."""

    root: Path
    excludes: list[str]  # in .gitignore's language, as Ray takes them
    size_bytes: int  # before Ray zips it


def package(settings: Settings, root: Path = Path(__file__).parent.parent) -> Package:
    """What a job with these settings needs of footage.

    Raises:
        SettingsError: it is more than a cluster takes.
    """
    with_models = "project:samples/models" in settings.model_dump_json()
    excludes = [f"/{name}" for name in sorted(os.listdir(root)) if name not in _PARTS | {"samples"}]
    if (root / "samples").is_dir():
        inner = [name for name in sorted(os.listdir(root / "samples")) if name != "models" or not with_models]
        excludes += [f"/samples/{name}" for name in inner] if with_models else ["/samples"]
    size_bytes = sum(file.stat().st_size for file in _files(root, with_models))
    if size_bytes > MOST_BYTES:
        raise SettingsError(
            f"{root} has {size_bytes / 2**20:.0f} MiB to send to the cluster, which takes {MOST_BYTES >> 20}: install"
            " footage in the image of the cluster, and submit with --in-image."
        )
    return Package(root, [*excludes, f"{_CACHES}/"], size_bytes)


def _files(root: Path, with_models: bool) -> Iterator[Path]:
    for part in [*_PARTS, *(["samples/models"] if with_models else [])]:
        for folder, folders, names in os.walk(root / part):
            folders[:] = [name for name in folders if name != _CACHES]
            yield from (Path(folder) / name for name in names)
