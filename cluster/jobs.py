"""`footage jobs`, `status`, `logs` and `stop`: index runs, on a cluster and by hand."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.job_options import Address, cluster_of
from cluster.options import (
    DEFAULT_STORE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_QUARANTINED,
    Json,
    Profile,
    Store,
    sentences,
    unread_store,
)
from footage.errors import FootageError, SettingsError

if TYPE_CHECKING:
    from cluster.job_client import JobClient
    from cluster.job_list import Job
    from footage.storage import ObjectStore

_LOOK_EVERY_S = 2.0
_STOP_PATIENCE_S = 90.0  # what Ray gives a job to stop (job_submission.STOP_WAIT_S), and to say so
_Name = Annotated[str | None, typer.Argument(help="Of a job, or of a run.", show_default="the newest")]


def jobs(
    address: Address = None,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Annotated[str | None, typer.Option(help="Only those of this workspace.", show_default=False)] = None,
    last: Annotated[int, typer.Option(min=1, help="So many, the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """List jobs and runs, the newest first: from the store, so also when their cluster is gone."""
    with sentences():
        from cluster.display_jobs import print_jobs
        from cluster.job_list import jobs_of_store

        opened, client = unread_store(store, profile), _cluster(address)
        found = jobs_of_store(opened, client.all() if client else [], last, workspace)
        if as_json:
            print(json.dumps({"jobs": [_as_json(job) for job in found]}))
        else:
            print_jobs(found)


def status(
    job: _Name = None,
    address: Address = None,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds until it ends.")] = False,
    as_json: Json = False,
) -> None:
    """Show how far a job or a run is: videos, scenes, quarantine, rate, time left. It needs no cluster."""
    with sentences():
        from cluster.display_jobs import print_status
        from cluster.display_jobs import status as shown

        opened, client = unread_store(store, profile), _cluster(address)
        found = _find(opened, job, client)
        if as_json:
            print(json.dumps(_as_json(found)))
        elif watch and sys.stdout.isatty():
            from rich.live import Live

            with Live(shown(found), auto_refresh=False) as live:
                while not found.has_ended:
                    time.sleep(_LOOK_EVERY_S)
                    found = _find(opened, found.name, client)
                    live.update(shown(found), refresh=True)
        else:
            print_status(found)


def logs(
    job: _Name = None,
    address: Address = None,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
) -> None:
    """Print what a job printed; when its cluster is gone, what the libraries of its runs printed, from the store."""
    with sentences():
        opened, client = unread_store(store, profile), _cluster(address)
        found = _find(opened, job, client)
        if client is not None and found.ray is not None:
            for text in client.follow(found.name) if follow else [client.log(found.name)]:
                print(text, end="", flush=True)
            return
        if follow:
            raise SettingsError(f"Only a job of a cluster can be followed, and none was asked for {found.name}.")
        for run in reversed(found.runs):
            key = f"runs/{run.run_id}.log"
            if opened.exists(key):
                print(opened.get(key).decode(errors="replace"), end="")


def stop(
    job: Annotated[str, typer.Argument(help="Of a job.")],
    address: Address = None,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    as_json: Json = False,
) -> None:
    """Stop a job, wait for it, and say what came of it. What is in hand is committed or given back to other runs."""
    with sentences():
        from cluster.display_jobs import print_status
        from cluster.job_client import JobClient

        opened, client = unread_store(store, profile), JobClient(cluster_of(address))
        found = _find(opened, job, client)
        if found.ray is None:
            where = f"run {found.name} was started by hand" if not found.runs[0].job else f"{found.name} is not there"
            raise SettingsError(f"The cluster at {client.address} cannot stop it: {where}.")
        was_running = not found.ray.has_ended and client.stop(found.name)
        found = _until_ended(opened, found.name, client)
        if as_json:
            print(json.dumps({"stopped": was_running, **_as_json(found)}))
        else:
            if not was_running:
                print(f"{found.name} had ended already.", flush=True)
            print_status(found)


def follow_to_its_end(client: "JobClient", job: str, store: str, profile: str, *, quiet: bool) -> None:
    """Print the log of a job until it ends, and exit as its run would have."""
    with sentences():
        for text in client.follow(job):
            if not quiet:
                print(text, end="", flush=True)
        found = _until_ended(unread_store(store, profile), job, client)
        if quiet:
            print(json.dumps(_as_json(found)))
    if found.state != "finished":
        raise typer.Exit(EXIT_INTERRUPTED if found.state == "interrupted" else EXIT_FAILED)
    if found.runs and found.runs[0].videos_quarantined:
        raise typer.Exit(EXIT_QUARANTINED)


def _cluster(address: str | None) -> "JobClient | None":
    """The cluster, where one is named and there: the store tells of runs without it."""
    if not address:
        return None
    from cluster.job_client import ClusterUnavailable, JobClient

    try:
        return JobClient(cluster_of(address))
    except ClusterUnavailable as error:
        print(f"footage: {error} This is what the store knows.", file=sys.stderr)
        return None


def _find(store: "ObjectStore", name: str | None, client: "JobClient | None") -> "Job":
    from cluster.job_list import job_of_store

    found = job_of_store(store, name, client.all() if client else [])
    return found.model_copy(update={"page": client.page(found.name)}) if client and found.ray else found


def _until_ended(store: "ObjectStore", name: str, client: "JobClient") -> "Job":
    deadline = time.monotonic() + _STOP_PATIENCE_S
    while True:
        found = _find(store, name, client)
        if found.has_ended:
            return found
        if time.monotonic() > deadline:
            raise FootageError(f"{name} has not ended within {_STOP_PATIENCE_S:g} s; see its log: footage logs {name}")
        time.sleep(_LOOK_EVERY_S / 4)


def _as_json(job: "Job") -> dict[str, object]:
    return {"name": job.name, "state": job.state, "error": job.error, **job.model_dump(exclude={"name"})}
