"""The models of a profile: which, from where, how large, under which licence, and whether they are here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from footage.endpoint_url import shown_url
from footage.errors import ModelMissing
from footage.model_catalogue import known_model, revision_of, size_text
from footage.model_settings import EndpointSettings, ModelSettings
from footage.models import hub_cache, is_hub_name, resolve_model
from footage.settings import Settings

Job = Literal["speech", "text", "frames", "captions", "summaries"]
Origin = Literal["hub", "package", "project", "folder", "server", "captions"]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of a profile."""

    job: Job
    model: str
    """As it is written in the settings; of a server what the server calls it."""
    origin: Origin
    """`server`: nothing is on this machine; `captions`: the model of the captions does this job too."""
    place: str
    """The folder it is in, or is looked for in; the address of a server, without user and password."""
    revision: str | None
    """Hub only: a commit, or a name such as `main`."""
    licence: str | None
    """None: not known to footage."""
    download_bytes: int | None
    """About; None: not known, or nothing to download."""
    on_disk_bytes: int | None
    """None: not here, or not whole."""
    toy: bool
    missing: str = ""
    """Why it cannot be used and what to do, a sentence; empty where it can."""


def list_models(settings: Settings) -> list[ListedModel]:
    """Every model of these settings, in the order of the pipeline. Reads folders only: nothing is loaded or called."""
    listed = [_local("speech", settings.speech), _local("text", settings.text), _local("frames", settings.frames)]
    captions, summaries = settings.captions, settings.summaries
    if captions.adapter == "http":
        listed.append(_served("captions", captions.model, captions.endpoint, captions.toy))
    elif captions.adapter != "off":
        listed.append(_local("captions", captions))
    if summaries.adapter == "http":
        listed.append(_served("summaries", summaries.model or "", summaries.endpoint, summaries.toy))
    elif summaries.adapter == "captioner" and captions.adapter in ("native", "http"):
        model = captions.model
        listed.append(ListedModel("summaries", model, "captions", "", None, None, None, None, summaries.toy))
    return listed


def check_models(settings: Settings) -> None:
    """Refuse settings whose models are not all here, before anything is started.

    Raises:
        ModelMissing: one sentence that names each missing model, its size, and the ways out.
    """
    missing = [model for model in list_models(settings) if model.missing]
    hub = [model for model in missing if model.origin == "hub"]
    if not missing:
        return
    if len(hub) < len(missing):  # a folder or a package: nothing that fetching could give
        raise ModelMissing(next(model.missing for model in missing if model.origin != "hub"))
    names = ", ".join(f"{model.model} ({model.job}, {_about(model.download_bytes)})" for model in hub)
    if len(hub) > 1 and all(model.download_bytes for model in hub):
        names += f", together about {size_text(sum(model.download_bytes or 0 for model in hub))}"
    subject = (
        f"A model of profile {settings.profile} is" if len(hub) == 1 else f"Models of profile {settings.profile} are"
    )
    other = "use `--profile offline`, whose models come with the installation"
    if settings.profile == "offline":
        other = "take back the setting that names it, since the offline profile's own models come with the installation"
    raise ModelMissing(
        f"{subject} not on this machine (looked in {hub_cache()}): {names}; fetch with"
        f" `footage models --profile {settings.profile} --pull`, here or on a machine with hub access whose cache is"
        f" shared or copied, or {other}."
    )


def _about(size_bytes: int | None) -> str:
    return f"about {size_text(size_bytes)}" if size_bytes else "size not known"


def _local(job: Job, settings: ModelSettings) -> ListedModel:
    known = known_model(settings.model)
    origin: Origin = "folder"
    if is_hub_name(settings.model):
        origin = "hub"
    elif settings.model.startswith("package:"):
        origin = "package"
    elif settings.model.startswith("project:"):
        origin = "project"
    folder, missing = None, ""
    try:
        folder = resolve_model(settings)
    except ModelMissing as error:
        missing = str(error)
    return ListedModel(
        job=job,
        model=settings.model,
        origin=origin,
        place=str(folder or (hub_cache() if origin == "hub" else "")),
        revision=revision_of(settings.model, settings.revision) if origin == "hub" else None,
        licence=known.licence if known else None,
        download_bytes=known.size_bytes if known and origin == "hub" else None,
        on_disk_bytes=_size_of(folder) if folder else None,
        toy=settings.toy,
        missing=missing,
    )


def _served(job: Job, model: str, endpoint: EndpointSettings, toy: bool) -> ListedModel:
    return ListedModel(job, model, "server", shown_url(endpoint.url or ""), None, None, None, None, toy)


def _size_of(folder: Path) -> int:
    """Bytes of the files in a folder; those of a hub snapshot are links to where the content is."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
