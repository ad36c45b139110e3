"""Options that several commands share, and how a command fails."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import BaseModel

from footage.errors import FootageError, SettingsError
from footage.parts import Part

if TYPE_CHECKING:
    from footage.storage import ObjectStore

DEFAULT_STORE = "footage-store"
EXIT_FAILED = 1  # nothing could be done, or the run broke off
EXIT_QUARANTINED = 3  # the run ended and some videos are in quarantine
EXIT_INTERRUPTED = 130  # what a shell gives for Ctrl-C


def _plain_folder(store: str) -> str:
    """A store as commands take it: a `file://` URI is a folder."""
    from footage.local_sources import local_path

    return str(local_path(store)) if store.startswith("file://") else store


Store = Annotated[
    str,
    typer.Option(
        envvar="FOOTAGE_STORE",
        help="Folder or s3://bucket/prefix of sidecars, thumbnails and reports.",
        callback=_plain_folder,
    ),
]
Index = Annotated[
    str | None,
    typer.Option(
        envvar="FOOTAGE_INDEX",
        help="Vector index: a folder, or a Qdrant server such as http://qdrant:6334. By default in the store's folder.",
    ),
]
Profile = Annotated[
    str, typer.Option(envvar="FOOTAGE_PROFILE", help="offline, cpu, gpu, or auto: gpu or cpu by the hardware.")
]
Workspace = Annotated[str, typer.Option(envvar="FOOTAGE_WORKSPACE", help="The tenant; searches see one only.")]
Dataset = Annotated[str | None, typer.Option(help="Add the videos to this named set.")]
Only = Annotated[
    list[Part] | None, typer.Option(help="Make only this anew, of videos that are indexed, and keep the rest.")
]
Every = Annotated[str | None, typer.Option(help="With --watch: how often to list, such as 30s, 5m or 1h.")]
Events = Annotated[
    str | None, typer.Option(help="With --watch: URL of an SQS queue that the bucket tells of new objects.")
]
MaxCpus = Annotated[float | None, typer.Option(help="Sets pipeline.max_cpus.", show_default=False)]
MaxGpus = Annotated[int | None, typer.Option(help="Sets pipeline.max_gpus.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show what Ray and the libraries print.")]

Model = TypeVar("Model", bound=BaseModel)


def set_limits(max_cpus: float | None, max_gpus: int | None) -> None:
    """Set the limits of a run as if by variables: they are checked with the other settings, and go along with a job."""
    for name, most in (("MAX_CPUS", max_cpus), ("MAX_GPUS", max_gpus)):
        if most is not None:
            os.environ[f"FOOTAGE_PIPELINE__{name}"] = str(most)


@contextmanager
def sentences() -> Iterator[None]:
    """An expected failure is a sentence on stderr and an exit code, not a traceback."""
    try:
        yield
    except FootageError as error:
        print(f"footage: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_FAILED) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(EXIT_INTERRUPTED) from error


def unread_store(address: str, profile: str) -> "ObjectStore":
    """The store at an address, in which nothing needs to be indexed yet."""
    from footage.settings import load_settings
    from footage.store_address import open_store

    return open_store(address, load_settings(profile).s3)


def checked(model: type[Model], **values: object) -> Model:
    """A search request of these values.

    Raises:
        SettingsError: one does not fit; the message names its option.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        options = {
            "from_s": "--from",
            "to_s": "--to",
            "min_duration_s": "--min-duration",
            "max_duration_s": "--max-duration",
            "min_relevance": "--min-relevance",
            "diversity": "--diverse",
            "modes": "--mode",
        }
        parts = []
        for part in error.errors():
            name = str(part["loc"][0]) if part["loc"] else ""
            message = part["msg"].removeprefix("Value error, ")
            parts.append(f"{options.get(name, name)}: {message}" if name else message)
        raise SettingsError(f"The search is not possible: {'; '.join(parts)}.") from error
