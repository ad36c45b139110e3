"""Writes the subtitles of videos as files of a folder."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.scene_reading import read_scenes
from footage.catalog import Catalog
from footage.errors import SettingsError
from footage.sidecar import Manifest
from footage.sources import source_name
from footage.store_reads import StoreReads
from footage.subtitle_names import subtitle_name
from footage.subtitles import SubtitleFormat, subtitles


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of one video."""

    video_id: str
    name: str  # of the video's file
    state: Literal["written", "exists", "silent", "gone"]
    path: str  # of the subtitles; empty where there are none
    cues: int


def export_subtitles(
    catalog: Catalog, videos: Iterable[Manifest], file_format: SubtitleFormat, folder: Path, force: bool
) -> Iterator[Exported]:
    """Write a file per video in which something is said, and tell of each, one after the other.

    Files are called like the video, with its language, as players look for them: `harbor.en.srt`. Where two would have
    one name, each has the beginning of its video's id too. A file is there whole or not at all.

    Args:
        catalog: of the workspace.
        videos: each with a source.
        file_format: of the files.
        folder: made if it is not there.
        force: write over files that are there.

    Raises:
        SettingsError: the folder cannot be written to.
        StoreError: the store cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"Cannot make the folder {folder}: {error.strerror or error}. Name another one.") from error
    named = {manifest.video_id: _named(manifest) for manifest in videos}
    times = Counter(f"{stem}{language}".casefold() for _, stem, language in named.values())
    with StoreReads(catalog.store) as reads:
        for video_id, (name, stem, language) in named.items():
            own = f".{video_id[:8]}" if times[f"{stem}{language}".casefold()] > 1 else ""
            path = folder / f"{stem}{own}{language}.{file_format}"
            manifest = catalog.manifest(video_id)
            if manifest is None:  # deleted meanwhile
                yield Exported(video_id, name, "gone", "", 0)
            elif not force and os.path.lexists(path):
                yield Exported(video_id, name, "exists", str(path), 0)
            else:
                cues = _write(path, subtitles(read_scenes(catalog, manifest, reads), file_format))
                state: Literal["written", "silent"] = "written" if cues else "silent"
                yield Exported(video_id, name, state, str(path) if cues else "", cues)


def _named(manifest: Manifest) -> tuple[str, str, str]:
    """The name of a video, and of its subtitles the stem and the part with the language."""
    return source_name(manifest.sources[0].uri), *subtitle_name(manifest)


def _write(path: Path, parts: Iterator[str]) -> int:
    """Write a file unless there are no cues; gives their number."""
    part = path.with_name(f".{path.name}.part")
    cues = 0
    try:
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                for text in parts:
                    file.write(text)
                    cues += "-->" in text
            if cues:
                part.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise SettingsError(
            f"Cannot write {path}: {error.strerror or error}. Name another folder with --to."
        ) from error
    return cues
