"""`footage models` and `footage doctor`: what this machine has."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cluster.options import DEFAULT_STORE, EXIT_FAILED, Index, Json, Profile, Store, sentences


def models(
    profile: Profile = "auto",
    pull: Annotated[bool, typer.Option("--pull", help="Fetch from the hub what is not here, and prepare it.")] = False,
    as_json: Json = False,
) -> None:
    """List the models of a profile: where from, which licence, how large, and whether they are here."""
    with sentences():
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


def doctor(
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    cluster_file: Annotated[
        Path | None,
        typer.Option(help="Check this file of Ray's cluster launcher, such as ray-cluster.yaml, and nothing else."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is installed, which profile would run, what is missing and how to get it."""
    with sentences():
        from cluster.display import print_checks
        from cluster.doctor import examine

        if cluster_file is not None:
            from cluster.cluster_file import check_cluster_file

            checks = check_cluster_file(cluster_file)
        else:
            checks = examine(store, profile, index)
        if as_json:
            print(json.dumps([check.__dict__ for check in checks]))
        else:
            print_checks(checks)
    if any(check.state == "missing" for check in checks):
        raise typer.Exit(EXIT_FAILED)
