"""`footage models`: every model of a profile, and fetching the ones that are not here."""

import json
import sys
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from actors.model_preparation import prepared_models
from footage.errors import ModelMissing
from footage.model_catalogue import size_text
from footage.model_fetch import fetch_model
from footage.model_list import ListedModel, check_models, list_models
from footage.model_settings import ModelSettings
from footage.settings import Settings

_ORIGINS = {
    "hub": "the hub",
    "package": "an installed package",
    "project": "this project",
    "folder": "a folder",
    "captions": "the captions model",
}
_PREPARED_JOBS = ("text", "frames")  # the others are used as they are


@dataclass(frozen=True, slots=True)
class ModelsReport:
    """What `footage models` shows."""

    profile: str
    prepared: bool
    """Whether the parts that queries need were exported; text and frames only."""
    models: list[ListedModel]

    @property
    def is_complete(self) -> bool:
        """Whether every model is here."""
        return not any(model.missing for model in self.models)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(
            {"profile": self.profile, "prepared": self.prepared, "models": [asdict(m) for m in self.models]}
        )


def report_models(settings: Settings) -> ModelsReport:
    """Look at the models of a profile; nothing is loaded, fetched or called."""
    try:
        prepared = prepared_models(settings) is not None
    except ModelMissing:
        prepared = False
    return ModelsReport(settings.profile, prepared, list_models(settings))


def pull_models(settings: Settings) -> None:
    """Fetch every hub model of a profile that is not here, then prepare the profile. What is here is not asked for.

    Raises:
        ModelMissing: one cannot be had. Those before it stay.
    """
    sections: dict[str, ModelSettings] = {
        "speech": settings.speech,
        "text": settings.text,
        "frames": settings.frames,
        "captions": settings.captions,
    }
    for model in list_models(settings):
        if model.missing and model.origin == "hub":
            fetch_model(sections[model.job], _say)
    check_models(settings)
    # Imported here: it brings in the module that starts Ray.
    from pipelines.preparation import ensure_prepared

    ensure_prepared(settings, sys.stderr)


def print_models(report: ModelsReport) -> None:
    """A table for people."""
    console = Console()
    table = Table(title=Text(f"Models of profile {report.profile}"), title_justify="left", expand=True)
    table.add_column("job", no_wrap=True)
    table.add_column("model", overflow="fold", ratio=1)
    table.add_column("licence", max_width=12)
    table.add_column("size", no_wrap=True, justify="right")
    table.add_column("here", no_wrap=True)
    for model in report.models:
        table.add_row(model.job, _name(model), model.licence or "–", _size(model), _here(model, report.prepared))
    console.print(table)
    missing = [model for model in report.models if model.missing]
    for model in missing:
        if model.origin != "hub":
            console.print(model.missing, markup=False)
    hub = [model for model in missing if model.origin == "hub"]
    if hub:
        what = "those that come from the hub"
        if all(model.download_bytes for model in hub):
            what = f"about {size_text(sum(model.download_bytes or 0 for model in hub))}"
        console.print(f"`footage models --profile {report.profile} --pull` fetches {what}.", markup=False)


def _name(model: ListedModel) -> Text:
    name = Text(model.model)
    if model.toy:
        name.append("\na toy: it knows drawn scenes only", style="yellow")
    origin = f"served at {model.place}" if model.origin == "server" else f"from {_ORIGINS[model.origin]}"
    if model.revision:
        origin += f", revision {model.revision[:12]}"
    name.append(f"\n{origin}", style="dim")
    return name


def _size(model: ListedModel) -> str:
    if model.on_disk_bytes is not None:
        return size_text(model.on_disk_bytes)
    return f"about {size_text(model.download_bytes)}" if model.download_bytes else "–"


def _here(model: ListedModel, prepared: bool) -> Text:
    if model.origin in ("server", "captions"):
        return Text("–")
    if model.missing:
        return Text("no", style="red")
    here = Text("yes", style="green")
    if model.job in _PREPARED_JOBS:
        here.append(", prepared" if prepared else ", unprepared", style="" if prepared else "yellow")
    return here


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
