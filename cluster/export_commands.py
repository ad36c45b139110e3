"""`footage export`: what was made of videos, as files for other programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from cluster.options import DEFAULT_STORE, EXIT_FAILED, Json, Profile, Store, Workspace, sentences

Format = Literal["srt", "vtt"]  # subtitles.SubtitleFormat, whose file brings more along than --help needs


def export(
    to: Annotated[Path, typer.Option("--to", help="Folder to write to; made if it is not there.", show_default=False)],
    file_format: Annotated[
        Format, typer.Option("--format", help="Subtitles: srt (SubRip) or vtt (WebVTT).", show_default=False)
    ],
    videos: Annotated[
        list[str] | None,
        typer.Argument(help="Videos: ids, beginnings of ids, or file names; all if none is named.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """Write the subtitles of videos into a folder, a file for each video in which something is said.

    Exit code 0: all is written; 1: a file was there already and stays (or nothing could be done).
    """
    with sentences():
        from cluster.display_catalog import print_json_list
        from cluster.display_export import exported_as_json, print_exported
        from cluster.one_shot import catalog_of, find_video
        from cluster.subtitle_export import Exported, export_subtitles
        from footage.settings import load_settings

        settings = load_settings(profile)
        catalog = catalog_of(store, workspace, settings.s3)
        chosen = [find_video(catalog, name) for name in videos] if videos else catalog.videos()
        states: set[str] = set()

        def told() -> Iterator[Exported]:
            for one in export_subtitles(catalog, chosen, file_format, to, force):
                states.add(one.state)
                yield one

        if as_json:
            print_json_list({}, "files", map(exported_as_json, told()))
        else:
            print_exported(told())
    if "exists" in states:
        raise typer.Exit(EXIT_FAILED)
