"""`footage index` and `footage retry`: runs that make videos searchable."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.options import (
    DEFAULT_STORE,
    EXIT_INTERRUPTED,
    EXIT_QUARANTINED,
    Dataset,
    Events,
    Every,
    Index,
    Json,
    MaxCpus,
    MaxGpus,
    Only,
    Profile,
    Store,
    Verbose,
    Workspace,
    sentences,
    set_limits,
)
from footage.errors import SettingsError
from footage.identity import check_name
from footage.parts import Part

if TYPE_CHECKING:
    from footage.run_records import RunReport
    from footage.settings import Settings
    from pipelines.index_request import IndexRequest


def index(
    source: Annotated[str, typer.Argument(help="Videos: a folder, a file, s3://bucket/prefix, or an http(s) URL.")],
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    dataset: Dataset = None,
    only: Only = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until Ctrl-C: index what arrives in the folder or bucket.")
    ] = False,
    every: Every = None,
    events: Events = None,
    max_cpus: MaxCpus = None,
    max_gpus: MaxGpus = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is to do, and what a run would take; index nothing.")
    ] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make the scenes of videos searchable. What was indexed before, unchanged, is skipped.

    Exit code 0: every video is searchable; 3: some are in quarantine; 1: the run broke off. With --watch 0: ended while
    it waited; 130: a run was broken off.

    `footage index copy FROM TO` copies a vector index (a folder named copy is ./copy).
    """
    with sentences():
        set_limits(max_cpus, max_gpus)
        request = _request(source, store, index, workspace, dataset, tuple(only or ()), (), verbose)
        if dry_run:
            from cluster.dry_run import show_plan
            from footage.settings import load_settings

            show_plan(request, load_settings(profile), as_json)
            return
        if watch:
            _watch(request, profile, every, events, as_json)
            return
        if (every, events) != (None, None):
            raise SettingsError("--every and --events say how to --watch: give that too.")
    _run(request, profile, as_json)


def retry(
    names: Annotated[list[str] | None, typer.Argument(help="Only these sources, however often they failed.")] = None,
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Try again what is in quarantine, and nothing else. What failed too often has to be named."""
    with sentences():
        from cluster.one_shot import catalog_of
        from footage.settings import load_settings

        catalog_of(store, workspace, load_settings(profile).s3)
        request = _request(None, store, index, workspace, None, (), tuple(names or ()), verbose)
    _run(request, profile, as_json)


def _request(
    source: str | None,
    store: str,
    index: str | None,
    workspace: str,
    dataset: str | None,
    only: tuple[Part, ...],
    names: tuple[str, ...],
    verbose: bool,
) -> "IndexRequest":
    from pipelines.index_request import IndexRequest
    from pipelines.ray_session import job_of

    check_name("workspace", workspace)
    if dataset is not None:
        check_name("dataset", dataset)
    return IndexRequest(
        source,
        store,
        index,
        workspace=workspace,
        dataset=dataset,
        only=only,
        names=names,
        verbose=verbose,
        ray_address=os.environ.get("RAY_ADDRESS") or None,
        job=job_of(os.environ),
    )


def _run(request: "IndexRequest", profile: str, as_json: bool) -> None:
    with sentences():
        from footage.settings import load_settings
        from pipelines.index_run import run_index

        settings = load_settings(profile)
        report = run_index(request, settings)
        _show(report, request, settings, as_json)
    if report.state != "finished":
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.videos_quarantined:
        raise typer.Exit(EXIT_QUARANTINED)


def _watch(request: "IndexRequest", profile: str, every: str | None, events: str | None, as_json: bool) -> None:
    from cluster.watching import seconds, watch_source
    from footage.settings import load_settings

    settings = load_settings(profile)
    if every is not None:
        watching = settings.watch.model_copy(update={"every_s": seconds(every)})
        settings = settings.model_copy(update={"watch": watching})

    def show(report: "RunReport") -> None:
        _show(report, request, settings, as_json)

    if watch_source(request, settings, events, show):
        raise typer.Exit(EXIT_INTERRUPTED)


def _show(report: "RunReport", request: "IndexRequest", settings: "Settings", as_json: bool) -> None:
    from cluster.display import print_report

    if as_json:
        print(report.model_dump_json(), flush=True)
    else:
        print_report(report, str(request.store), settings.pipeline.max_attempts)
