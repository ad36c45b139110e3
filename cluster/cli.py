"""The `footage` command."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel

from cluster.list_names import LISTS, By
from footage.errors import FootageError, SettingsError
from footage.identity import check_name

# Nothing heavy is imported here: `footage search` is to answer in a fraction of a second. Each command imports
# what it needs (Ray for indexing; ONNX Runtime for searching) when it runs.

DEFAULT_STORE = Path("footage-store")
EXIT_FAILED = 1  # nothing could be done, or the run broke off

EXIT_INTERRUPTED = 130  # what a shell gives for Ctrl-C
EXIT_QUARANTINED = 3  # the run ended and some videos are in quarantine

Store = Annotated[Path, typer.Option(envvar="FOOTAGE_STORE", help="Folder of the index, sidecars and reports.")]
Profile = Annotated[
    str, typer.Option(envvar="FOOTAGE_PROFILE", help="offline, cpu, gpu, or auto: gpu or cpu by the hardware.")
]
Workspace = Annotated[str, typer.Option(envvar="FOOTAGE_WORKSPACE", help="The tenant; searches see one only.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show what Ray and the libraries print.")]

Model = TypeVar("Model", bound=BaseModel)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find any moment in your footage.",
)


@contextmanager
def _sentences() -> Iterator[None]:
    """An expected failure is a sentence on stderr and an exit code, not a traceback."""
    try:
        yield
    except FootageError as error:
        print(f"footage: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_FAILED) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(EXIT_INTERRUPTED) from error


@app.command()
def index(
    source: Annotated[str, typer.Argument(help="A folder of videos, or one video.")],
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    dataset: Annotated[str | None, typer.Option(help="Add the videos to this named set.")] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make the scenes of videos searchable. What was indexed before, unchanged, is skipped.

    Exit code 0: every video is searchable; 3: some are in quarantine; 1: the run broke off.
    """
    _run(source, store, profile, workspace, dataset, as_json, verbose)


@app.command()
def retry(
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Try again what is in quarantine, and nothing else."""
    with _sentences():
        from cluster.one_shot import catalog_of

        catalog_of(store, workspace)
    _run(None, store, profile, workspace, None, as_json, verbose)


def _run(
    source: str | None, store: Path, profile: str, workspace: str, dataset: str | None, as_json: bool, verbose: bool
) -> None:
    with _sentences():
        check_name("workspace", workspace)
        if dataset is not None:
            check_name("dataset", dataset)
        from cluster.display import print_report
        from footage.settings import load_settings
        from pipelines.index_run import IndexRequest, run_index

        address = os.environ.get("RAY_ADDRESS") or None
        request = IndexRequest(source, store.absolute(), workspace, dataset, verbose, address)
        report = run_index(request, load_settings(profile))
        if as_json:
            print(report.model_dump_json())
        else:
            print_report(report, store)
    if report.state != "finished":
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.videos_quarantined:
        raise typer.Exit(EXIT_QUARANTINED)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What is said or seen, in a few words.")],
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many hits.")] = 10,
    video: Annotated[list[str] | None, typer.Option(help="Only in this video (id, start of it, or file name).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only in videos of this set.")] = None,
    language: Annotated[str | None, typer.Option(help="Only where this language is spoken, such as en.")] = None,
    from_s: Annotated[float | None, typer.Option("--from", help="Only scenes that end after this second.")] = None,
    to_s: Annotated[float | None, typer.Option("--to", help="Only scenes that begin before this second.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only scenes with this tag; with several, all.")] = None,
    by: Annotated[list[By] | None, typer.Option(help="Only by this; with several, by all of them.")] = None,
    by_video: Annotated[bool, typer.Option("--by-video", help="Only the best scene of each video.")] = False,
    as_json: Json = False,
) -> None:
    """Find scenes by what is said, by what is seen, and by what their captions say."""
    with _sentences():
        from cluster.display_hits import print_hits
        from cluster.one_shot import catalog_of, find_video, search_once
        from footage.search import SearchRequest
        from footage.settings import load_settings

        if dataset is not None:
            check_name("dataset", dataset)
        catalog = catalog_of(store, workspace)
        request = _checked(
            SearchRequest,
            query=query,
            limit=limit,
            workspace=workspace,
            video_ids=[find_video(catalog, name).video_id for name in video or []],
            language=language,
            tags=tag or [],
            lists=[LISTS[name] for name in by or []],
            from_s=from_s,
            to_s=to_s,
            dataset=dataset,
            group_by_video=by_video,
        )
        response = search_once(request, store.absolute(), load_settings(profile))
        if as_json:
            print(response.model_dump_json())
        else:
            print_hits(response)


@app.command()
def videos(
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    about: Annotated[str | None, typer.Option(help="Find videos by their descriptions: what they are about.")] = None,
    as_json: Json = False,
) -> None:
    """List the videos that are searchable and what is in quarantine, or find videos by what they are about."""
    if about is not None:
        _videos_about(about, store, profile, workspace, as_json)
        return
    with _sentences():
        from cluster.display import print_videos
        from cluster.one_shot import as_shown, catalog_of

        catalog = catalog_of(store, workspace)
        manifests = sorted(catalog.videos(), key=lambda manifest: manifest.sources[0].uri)
        quarantined = list(catalog.quarantine())
        if as_json:
            content = {
                "videos": [as_shown(manifest) for manifest in manifests],
                "quarantine": [record.model_dump() for record in quarantined],
            }
            print(json.dumps(content))
        else:
            print_videos(manifests, quarantined)


def _videos_about(query: str, store: Path, profile: str, workspace: str, as_json: bool) -> None:
    with _sentences():
        from cluster.display_hits import print_found_videos
        from cluster.one_shot import catalog_of, search_videos_once
        from footage.settings import load_settings
        from footage.video_search import VideoSearchRequest

        catalog_of(store, workspace)
        request = _checked(VideoSearchRequest, query=query, workspace=workspace)
        response = search_videos_once(request, store.absolute(), load_settings(profile))
        if as_json:
            print(response.model_dump_json())
        else:
            print_found_videos(response)


@app.command()
def show(
    video: Annotated[str, typer.Argument(help="A video: its id, the start of its id, or a file name.")],
    store: Store = DEFAULT_STORE,
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """Show the scenes of one video and what is said in them."""
    with _sentences():
        from cluster.display import print_video
        from cluster.one_shot import as_shown, catalog_of, find_video

        catalog = catalog_of(store, workspace)
        manifest = find_video(catalog, video)
        found = [catalog.sidecar(manifest.video_id, scene.scene_id) for scene in manifest.scenes]
        # None: deleted meanwhile
        sidecars = [placed for sidecar in found if sidecar is not None and (placed := manifest.placed(sidecar))]
        if as_json:
            content = {"manifest": as_shown(manifest), "scenes": [sidecar.model_dump() for sidecar in sidecars]}
            print(json.dumps(content))
        else:
            print_video(manifest, sidecars)


@app.command()
def models(
    profile: Profile = "auto",
    pull: Annotated[bool, typer.Option("--pull", help="Fetch from the hub what is not here, and prepare it.")] = False,
    as_json: Json = False,
) -> None:
    """List the models of a profile: where from, which licence, how large, and whether they are here."""
    with _sentences():
        from cluster.models_command import print_models, pull_models, report_models
        from footage.settings import load_settings

        settings = load_settings(profile)
        if pull:
            pull_models(settings)
        report = report_models(settings)
        if as_json:
            print(report.to_json())
        else:
            print_models(report)
    if not report.is_complete:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def doctor(store: Store = DEFAULT_STORE, profile: Profile = "auto", as_json: Json = False) -> None:
    """Say what is installed, which profile would run, what is missing and how to get it."""
    with _sentences():
        from cluster.display import print_checks
        from cluster.doctor import examine

        checks = examine(store.absolute(), profile)
        if as_json:
            print(json.dumps([check.__dict__ for check in checks]))
        else:
            print_checks(checks)
    if any(check.state == "missing" for check in checks):
        raise typer.Exit(EXIT_FAILED)


def _checked(model: type[Model], **values: object) -> Model:
    """A model of these values; what does not fit is a sentence."""
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        options = {"from_s": "--from", "to_s": "--to"}
        parts = []
        for part in error.errors():
            name = str(part["loc"][0]) if part["loc"] else ""
            message = part["msg"].removeprefix("Value error, ")
            parts.append(f"{options.get(name, name)}: {message}" if name else message)
        raise SettingsError(f"The search is not possible: {'; '.join(parts)}.") from error


def main() -> None:
    """Entry point of the `footage` command."""
    app()


if __name__ == "__main__":
    main()
