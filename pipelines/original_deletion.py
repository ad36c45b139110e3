"""Deletes the originals of what a run has indexed, where the settings ask for it."""

import logging
from collections.abc import Sequence

from footage.catalog import Catalog
from footage.leases import live_runs_of_store
from footage.originals import OriginalDeleter
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.settings import Settings
from pipelines.reconcile import Run
from pipelines.tally import Tally

LOG = logging.getLogger(__name__)


def delete_originals(run: Run, settings: Settings, catalog: Catalog, tally: Tally, done: Sequence[Source]) -> None:
    """Delete these sources, and those that had to wait for other runs; the tally counts them.

    Args:
        run: whose sources they are.
        settings: say how sources are reached.
        catalog: of the workspace.
        tally: of the run.
        done: sources whose videos are searchable.
    """
    others = tuple(lease for lease in live_runs_of_store(catalog.store) if lease.run_id != run.run_id)
    for outcome in OriginalDeleter(catalog, others, RemoteAccess.of(settings))(done):
        tally.originals_deleted += outcome.is_deleted
        if not outcome.is_deleted:
            LOG.warning("%s was not deleted: %s", outcome.uri, outcome.why)
