"""Which videos are to be described: those of the run's pipeline that have no description, or one of another kind."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from actors.model_preparation import PreparedModels
from actors.summarizer import writer_settings
from footage.catalog import Catalog
from footage.description_fingerprint import description_fingerprint
from footage.errors import SettingsError
from footage.leases import live_runs
from footage.settings import Settings
from footage.sidecar import Manifest
from footage.video_table import video_row
from pipelines.reconcile import Run


@dataclass
class DescriptionScope:
    """The videos of a workspace, by what the second pass does with them."""

    to_describe: list[dict[str, Any]] = field(default_factory=list)  # rows of VIDEO, by video id
    described: int = 0  # before, and just so
    silent: int = 0  # nothing to tell: as a pass before has found, or as their manifests say
    off: str = ""  # why no videos are described at all


def descriptions_off(settings: Settings) -> str:
    """Why this profile writes no descriptions, as a sentence for the report; empty if it writes some.

    Raises:
        SettingsError: descriptions are asked for in a way that cannot work.
    """
    summaries, captions = settings.summaries, settings.captions
    if summaries.adapter == "off":
        return f"Off: profile {settings.profile} names no model that writes descriptions (summaries.adapter)."
    if summaries.adapter == "captioner" and captions.adapter not in ("native", "http"):
        why = "is off" if captions.adapter == "off" else f"cannot, being run by adapter {captions.adapter}"
        return (
            f"Off: the captioner of profile {settings.profile} is to write descriptions, and {why} (captions.adapter)."
        )
    writer = writer_settings(summaries, captions)
    if writer.adapter == "native" and writer.device == "cuda" and not settings.pipeline.summaries_num_gpus:
        raise SettingsError(
            "captions.device is cuda, but pipeline.summaries_num_gpus is 0, so that Ray would show no card to the"
            " Summarizer: give it a share, such as 0.5."
        )
    if "{scenes}" not in summaries.prompt:
        raise SettingsError("summaries.prompt lacks {scenes}, which stands for what the scenes tell: put it in.")
    return ""


def videos_to_describe(settings: Settings, models: PreparedModels, catalog: Catalog, run: Run) -> DescriptionScope:
    """Look through the manifests of the workspace. Asked before Ray starts, it says whether that is worth while.

    What another run that lives has in hand is left to it. Videos that runs have completed are marked in the catalog,
    and only those are looked at, unless descriptions were of another kind when all were looked at last: then each
    manifest is read, which costs a request, or about 0.1 ms of CPU time and 2 µs for each of its scenes on a local disk
    (300 manifests of 10, 200 and 2000 scenes).

    Args:
        settings: of the run. If descriptions are off, nothing is read and nothing is to be described.
        models: of the run.
        catalog: of the workspace.
        run: whose pipeline's videos count; those of another are indexed anew before they are described.

    Raises:
        SettingsError: see descriptions_off().
    """
    scope = DescriptionScope(off=descriptions_off(settings))
    if scope.off:
        return scope
    fingerprint = description_fingerprint(settings, run.fingerprint, models.text_version)
    marked = set(catalog.pending.videos("describe"))
    alive = {lease.run_id for lease in live_runs(catalog)}
    scanned_with = list(catalog.pending.videos("scanned"))
    if fingerprint not in scanned_with:
        for other in scanned_with:
            catalog.pending.remove("scanned", other)
    for manifest in _marked(catalog, marked) if fingerprint in scanned_with else catalog.videos():
        if manifest.pipeline_fingerprint != run.fingerprint or not manifest.sources:
            continue
        known = manifest.description is not None and manifest.description.fingerprint == fingerprint
        if not known and not _has_nothing_to_tell(manifest, settings):
            if catalog.pending.take("describe", manifest.video_id, run.run_id, alive):
                scope.to_describe.append(video_row(manifest, run.run_id))
            continue
        if manifest.video_id in marked:
            catalog.pending.remove("describe", manifest.video_id)
        if known and manifest.told is not None:
            scope.described += 1
        else:
            scope.silent += 1
    if fingerprint not in scanned_with:
        catalog.pending.add("scanned", fingerprint)  # last: until then the next run reads them all again
    return scope


def _marked(catalog: Catalog, marked: Set[str]) -> Iterator[Manifest]:
    for video_id in sorted(marked):
        manifest = catalog.manifest(video_id)
        if manifest is None:  # deleted meanwhile
            catalog.pending.remove("describe", video_id)
        else:
            yield manifest


def _has_nothing_to_tell(manifest: Manifest, settings: Settings) -> bool:
    """Known from the manifest alone, so that such a video does not start Ray in vain even once."""
    return not manifest.scenes or (settings.captions.adapter == "off" and not manifest.language)
