"""What a run needs before it begins, and what is refused then, before anything starts."""

import sys
from dataclasses import dataclass

from actors.model_preparation import PreparedModels
from footage.catalog import Catalog
from footage.fingerprint import pipeline_fingerprint
from footage.kept_parts import parts_of_run
from footage.model_list import check_models
from footage.settings import Settings
from footage.store_address import open_store
from pipelines.description_scope import descriptions_off
from pipelines.gpu_shares import check_devices
from pipelines.index_request import IndexRequest
from pipelines.preparation import ensure_prepared


@dataclass(frozen=True)
class RunStart:
    """The store that is written to, the models, and what they make a result of."""

    catalog: Catalog
    models: PreparedModels
    fingerprint: str


def start_of_run(request: IndexRequest, settings: Settings) -> RunStart:
    """See to it that a run can be done.

    Raises:
        FootageError: store, settings, models or the index's address are not usable.
    """
    check_models(settings)  # first: it says what to fetch, also on a machine without the GPU
    check_devices(settings, own_machine=request.ray_address is None)
    descriptions_off(settings)  # refuses what cannot work
    parts_of_run(settings, request.only)  # likewise
    _ = request.index_address  # likewise
    store = open_store(request.store_address, settings.s3)
    store.probe()
    catalog = Catalog(store, request.workspace)
    models = ensure_prepared(settings, sys.stderr)
    return RunStart(catalog, models, pipeline_fingerprint(settings, models.versions))
