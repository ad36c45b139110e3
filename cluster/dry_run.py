"""`footage index --dry-run`: what is to do, and what a run would take for it, without starting one."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from cluster.display_allocation import allocation_as_json, print_allocation
from cluster.run_allocation import allocation_for_index
from footage.errors import ModelMissing, SettingsError

if TYPE_CHECKING:
    from footage.settings import Settings
    from footage.source_plan import PlanCounts
    from pipelines.index_request import IndexRequest


def show_plan(request: "IndexRequest", settings: "Settings", as_json: bool) -> None:
    """Print how the run would be laid out. Nothing is written.

    Raises:
        FootageError: source, store or settings are not usable, or no cluster answers.
    """
    if request.source is None or request.only:
        raise SettingsError("--dry-run shows the layout of whole runs: leave --only out.")
    counts = _to_do(request, request.source, settings)
    if counts is None:
        allocation = allocation_for_index(request.source, request.store_address, settings, request.ray_address)
    else:
        from footage.store_address import open_store
        from pipelines.allocation import allocation_of
        from pipelines.room_lookup import room_for_index

        room, store = room_for_index(settings, request.ray_address), open_store(request.store_address, settings.s3)
        allocation = allocation_of(settings, room, store, videos=counts.to_do, size_bytes=counts.bytes_to_do)
    if as_json:
        print(json.dumps({"sources": asdict(counts) if counts else None} | allocation_as_json(allocation)))
        return
    if counts is not None:
        print(_sentence(counts))
    if counts is None or counts.to_do:
        print_allocation(allocation, is_exact=counts is not None)


def _to_do(request: "IndexRequest", source: str, settings: "Settings") -> "PlanCounts | None":
    """What the run would find; None where the models were never prepared here, which say what counts as indexed."""
    from actors.model_preparation import prepared_models
    from footage.catalog import Catalog
    from footage.fingerprint import pipeline_fingerprint
    from footage.store_address import open_store
    from pipelines.run_sources import choose_sources

    try:
        models = prepared_models(settings)
    except ModelMissing:
        return None
    if models is None:
        return None
    fingerprint = pipeline_fingerprint(settings, models.versions)
    catalog = Catalog(open_store(request.store_address, settings.s3), request.workspace)
    with choose_sources(source, catalog, fingerprint, request.dataset, settings) as sources:
        return sources.plan.counts


def _sentence(counts: "PlanCounts") -> str:
    parts = ["Nothing to index"]
    if counts.to_do:
        videos = "1 video" if counts.to_do == 1 else f"{counts.to_do} videos"
        mib = counts.bytes_to_do / 2**20
        parts = [f"{videos} to index ({f'{mib:.1f} MiB' if mib < 1024 else f'{mib / 1024:.1f} GiB'})"]
    parts += [f"{counts.skipped} indexed before"] if counts.skipped else []
    parts += [f"{counts.in_quarantine} in quarantine"] if counts.in_quarantine else []
    return ", ".join(parts) + "."
