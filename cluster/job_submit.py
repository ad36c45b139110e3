"""`footage submit`: an index run on a cluster."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.job_options import Address, cluster_of, resources_of
from cluster.options import (
    DEFAULT_STORE,
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
    Workspace,
    sentences,
    set_limits,
)
from footage.identity import check_name

if TYPE_CHECKING:
    from cluster.job_submission import JobRequest, Submission
    from footage.settings import Settings
    from pipelines.allocation import Allocation


def submit(
    source: Annotated[str, typer.Argument(help="Videos that the cluster sees: s3://bucket/prefix, or an http(s) URL.")],
    address: Address = None,
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    dataset: Dataset = None,
    only: Only = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with what arrives, until the job is stopped.")] = False,
    every: Every = None,
    events: Events = None,
    max_cpus: MaxCpus = None,
    max_gpus: MaxGpus = None,
    in_image: Annotated[bool, typer.Option("--in-image", help="Footage is in the cluster's image: send none.")] = False,
    shared_files: Annotated[
        bool, typer.Option("--shared-files", help="Every machine of the cluster has the paths of this one.")
    ] = False,
    entrypoint_resource: Annotated[
        list[str] | None,
        typer.Option(help="The driver needs so much of a resource (name=amount).", show_default="none, on the head"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "--wait", "-f", help="Show its log until it ends, and exit as the run did.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Index on a Ray cluster, as a job. What was indexed before, unchanged, is skipped.

    The settings (FOOTAGE_… variables) go along; credentials do not: keys of buckets, of Qdrant or of model servers have
    to be in the environment of the cluster's machines. The address of a source is shown on the cluster's dashboard.

    See `footage status` for how far it is, and `footage stop`.
    """
    with sentences():
        check_name("workspace", workspace)
        if dataset is not None:
            check_name("dataset", dataset)
        from cluster.job_client import JobClient, is_loopback
        from cluster.job_submission import JobRequest, placed, submission
        from footage.leases import new_job_id
        from footage.settings import load_settings

        cluster = cluster_of(address)
        options = watching(watch, every, events)
        request = JobRequest(source, store, index, profile, workspace, dataset, tuple(only or ()), options)
        request = placed(request, cluster, same_machine=is_loopback(cluster), shared_files=shared_files)
        set_limits(max_cpus, max_gpus)
        settings = load_settings(profile)
        sent = submission(
            request,
            new_job_id(datetime.now(UTC)),
            settings,
            os.environ,
            resources_of(entrypoint_resource or []),
            in_image=in_image,
        )
        if dry_run:
            _show(sent, cluster, _layout(request, settings, cluster), as_json)
            return
        client = JobClient(cluster)
        client.submit(sent)
        if as_json:
            print(json.dumps({"job": sent.job, "page": client.page(sent.job)}), flush=True)
        else:
            print(f"Submitted as {sent.job}: footage status {sent.job}\n{client.page(sent.job)}", flush=True)
            _say_withheld(sent)
    if follow:
        from cluster.jobs import follow_to_its_end

        follow_to_its_end(client, sent.job, store, profile, quiet=as_json)


def watching(watch: bool, every: str | None, events: str | None) -> tuple[str, ...]:
    """The options of `footage index` by which it goes on with what arrives."""
    given = (("--every", every), ("--events", events))
    return ("--watch",) * watch + tuple(word for name, value in given if value is not None for word in (name, value))


def _layout(request: "JobRequest", settings: "Settings", cluster: str) -> "Allocation | None":
    """Which pools the run would have on the cluster; None, with a word on stderr, where that cannot be told."""
    from cluster.run_allocation import allocation_for_submit
    from footage.errors import FootageError

    try:
        return allocation_for_submit(request.source, request.store, settings, cluster)
    except FootageError as error:
        print(f"footage: How the run would be laid out cannot be told: {error}", file=sys.stderr)
        return None


def _show(sent: "Submission", cluster: str, layout: "Allocation | None", as_json: bool) -> None:
    from cluster.display_allocation import allocation_as_json, print_allocation

    size = sent.package.size_bytes if sent.package is not None else 0
    if as_json:
        shown: dict[str, object] = {"address": cluster, "entrypoint": sent.entrypoint, "environment": sent.environment}
        shown |= {"metadata": sent.metadata, "resources": sent.resources, "upload_bytes": size}
        print(json.dumps({**shown, "allocation": allocation_as_json(layout) if layout is not None else None}))
        return
    print(f"To {cluster}:\n  {sent.entrypoint}\nwith the variables")
    for name, value in sent.environment.items():
        print(f"  {name}={value}")
    if sent.package is None:
        print("and footage as it is in the cluster's image.")
    else:
        print(f"and footage from {sent.package.root}, {size / 2**20:.1f} MiB before it is zipped (Ray takes 512).")
    _say_withheld(sent)
    if layout is not None:
        print_allocation(layout)


def _say_withheld(sent: "Submission") -> None:
    if sent.withheld:
        print(f"Not sent, since they may hold secrets: {', '.join(sent.withheld)}. Set them on the cluster's machines.")
