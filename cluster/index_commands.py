"""`footage index` and `footage retry`: runs that make videos searchable."""

import os
from typing import Annotated

import typer

from cluster.options import (
    DEFAULT_STORE,
    EXIT_INTERRUPTED,
    EXIT_QUARANTINED,
    Index,
    Json,
    Profile,
    Store,
    Verbose,
    Workspace,
    sentences,
)
from footage.identity import check_name
from footage.parts import Part


def index(
    source: Annotated[str, typer.Argument(help="Videos: a folder, a file, s3://bucket/prefix, or an http(s) URL.")],
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    dataset: Annotated[str | None, typer.Option(help="Add the videos to this named set.")] = None,
    only: Annotated[
        list[Part] | None, typer.Option(help="Make only this anew, of videos that are indexed, and keep the rest.")
    ] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make the scenes of videos searchable. What was indexed before, unchanged, is skipped.

    Exit code 0: every video is searchable; 3: some are in quarantine; 1: the run broke off.

    `footage index copy FROM TO` copies a vector index (a folder named copy is ./copy).
    """
    _run(source, store, index, profile, workspace, dataset, only or [], as_json, verbose)


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
    _run(None, store, index, profile, workspace, None, [], as_json, verbose, tuple(names or ()))


def _run(
    source: str | None,
    store: str,
    index: str | None,
    profile: str,
    workspace: str,
    dataset: str | None,
    only: list[Part],
    as_json: bool,
    verbose: bool,
    names: tuple[str, ...] = (),
) -> None:
    with sentences():
        check_name("workspace", workspace)
        if dataset is not None:
            check_name("dataset", dataset)
        from cluster.display import print_report
        from footage.settings import load_settings
        from pipelines.index_request import IndexRequest
        from pipelines.index_run import run_index

        request = IndexRequest(
            source,
            store,
            index,
            workspace=workspace,
            dataset=dataset,
            only=tuple(only),
            names=names,
            verbose=verbose,
            ray_address=os.environ.get("RAY_ADDRESS") or None,
        )
        settings = load_settings(profile)
        report = run_index(request, settings)
        if as_json:
            print(report.model_dump_json())
        else:
            print_report(report, store, settings.pipeline.max_attempts)
    if report.state != "finished":
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.videos_quarantined:
        raise typer.Exit(EXIT_QUARANTINED)
