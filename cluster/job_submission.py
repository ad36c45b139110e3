"""A job as it is submitted: its command, its environment, and what it says of itself; and what no cluster could do.

No credentials are sent: whoever sees the dashboard sees a job's environment and its command. The machines of a cluster
have their own: a role of their cloud, or a secret that is mounted.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from cluster.job_package import Package, package
from footage.errors import SettingsError
from footage.index_address import index_address
from footage.local_sources import folder_path
from footage.page_links import page_of_runs
from footage.parts import Part
from footage.settings import Settings
from footage.sources import is_remote
from footage.version import VERSION

STOP_WAIT_S = 60  # to commit or give back what is in hand; Ray kills a job that takes longer to stop


@dataclass(frozen=True)
class JobRequest:
    """What a job is to index, and where to."""

    source: str
    store: str
    index: str | None
    profile: str
    workspace: str = "default"
    dataset: str | None = None
    only: tuple[Part, ...] = ()
    options: tuple[str, ...] = ()  # more of `footage index`, as words of a command line
    python: str = "python"  # a shell's word: the interpreter that has what footage needs


@dataclass(frozen=True)
class Submission:
    """What is sent."""

    job: str
    entrypoint: str  # a shell's command line
    environment: dict[str, str]
    metadata: dict[str, str]
    resources: dict[str, float]
    package: Package | None  # None: footage is in the image
    withheld: tuple[str, ...]  # variables that are not sent, since they hold secrets


def submission(
    request: JobRequest,
    job: str,
    settings: Settings,
    environ: Mapping[str, str],
    resources: dict[str, float],
    *,
    in_image: bool,
) -> Submission:
    """Put a job together.

    Args:
        request: whose places the cluster sees; see placed().
        job: its id.
        settings: of the profile.
        environ: the variables of whoever submits it, of which the settings go along.
        resources: that the machine of the driver is to have; none lets it run on the head.
        in_image: send nothing of footage.
    """
    variables = {name for name in environ if name.startswith("FOOTAGE_") and _section(name) in Settings.model_fields}
    variables.discard("FOOTAGE_PROFILE")  # an option says it
    withheld = {name for name in variables if _may_hold_secret(name)}
    return Submission(
        job=job,
        # exec: signals are for it, and not for a shell
        entrypoint=f"exec {request.python} {shlex.join(_command(request))}",
        environment={
            **{name: environ[name] for name in sorted(variables - withheld)},
            "FOOTAGE_JOB": job,
            # Ray's supervisor gets the variables of its job, and reads this one when it is to stop it.
            "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_S),
        },
        metadata={
            **_page(settings.serve.public_url),  # first: the dashboard shows the beginning
            "workspace": request.workspace,
            "dataset": request.dataset or "",
            "source": request.source.partition("?")[0] if "://" in request.source else request.source,
            "store": request.store,
            "index": request.index or "",
            "profile": request.profile,
            "version": VERSION,
        },
        resources=resources,
        package=None if in_image else package(settings),
        withheld=tuple(sorted(withheld)),
    )


def placed(request: JobRequest, cluster: str, *, same_machine: bool, shared_files: bool) -> JobRequest:
    """The request with whole paths, if the cluster sees what it names.

    Args:
        request: as it was given.
        cluster: its address.
        same_machine: the cluster is on this machine.
        shared_files: every machine of the cluster has the paths of this one.

    Raises:
        SettingsError: it does not; the message says which place, and what to do.
    """
    if not (same_machine or shared_files):
        for what, place, instead in (
            ("The source", request.source, "put the videos into a bucket and name that (s3://bucket/prefix)"),
            ("The store", request.store, "name a bucket with --store (s3://bucket/prefix)"),
        ):
            if not is_remote(place):
                raise SettingsError(
                    f"{what} {place} is a path of this machine, and the cluster at {cluster} has others: {instead}, or"
                    " say --shared-files if all of its machines have this path."
                )
    if not same_machine:
        _check_index(request, cluster)
        if request.profile == "auto":
            raise SettingsError(
                "The profile auto asks the machine that it runs on, which in a job is the head of the cluster: name"
                " another with --profile, such as gpu or cpu."
            )
    index = request.index
    if index is not None and "://" not in index:
        index = str(folder_path(index).absolute())
    # Ray may have been started from an environment that is on nobody's PATH, as ours is. Where the address leads on to
    # another machine, by a tunnel, that is not there.
    ours = f'"$(command -v {shlex.quote(sys.executable)} || echo python)"'
    return replace(
        request,
        source=_whole(request.source),
        store=_whole(request.store),
        index=index,
        python=ours if same_machine else request.python,
    )


def _check_index(request: JobRequest, cluster: str) -> None:
    address = index_address(request.store, request.index)
    host = urlsplit(address.url).hostname or ""
    if address.path is not None:
        raise SettingsError(
            f"The index {address} is a folder, which one machine alone can use, and the cluster at {cluster} has"
            " several: name a Qdrant server with --index, such as http://qdrant:6334."
        )
    if host == "localhost" or (host.replace(".", "").isdigit() and ip_address(host).is_loopback):
        raise SettingsError(
            f"The index {address} is this machine to each machine of the cluster at {cluster}: name the Qdrant server"
            " by a name that they know, such as http://qdrant:6334."
        )


def _whole(place: str) -> str:
    return place if is_remote(place) else str(folder_path(place).absolute())


def _command(request: JobRequest) -> list[str]:
    words = ["-m", "cluster.cli", "index", "--store", request.store, "--profile", request.profile]
    words += ["--workspace", request.workspace]
    if request.index is not None:
        words += ["--index", request.index]
    if request.dataset is not None:
        words += ["--dataset", request.dataset]
    for part in request.only:
        words += ["--only", part]
    return [*words, *request.options, "--", request.source]


def _page(public_url: str) -> dict[str, str]:
    """The way back from Ray's dashboard to our page."""
    return {"footage_page": page_of_runs(public_url)} if public_url else {}


def _section(variable: str) -> str:
    return variable.removeprefix("FOOTAGE_").partition("__")[0].lower()


def _may_hold_secret(variable: str) -> bool:
    """Whether a setting is a secret, or a whole section, as JSON, that has some."""
    annotation: Any = Settings
    for name in variable.removeprefix("FOOTAGE_").lower().split("__"):
        models = [kind for kind in _kinds(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        field = models[0].model_fields.get(name) if models else None
        if field is None:
            break  # within a value that is no section; or a name that load_settings() refuses
        annotation = field.annotation
    return _has_secret(annotation)


def _has_secret(annotation: Any) -> bool:
    return any(
        kind is SecretStr
        or (
            isinstance(kind, type)
            and issubclass(kind, BaseModel)
            and any(_has_secret(field.annotation) for field in kind.model_fields.values())
        )
        for kind in _kinds(annotation)
    )


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """A type, and those that it is made of: SecretStr of `SecretStr | None`."""
    return (annotation, *(kind for inner in get_args(annotation) for kind in _kinds(inner)))
