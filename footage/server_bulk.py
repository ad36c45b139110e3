"""Loading many points into a Qdrant server: without graphs while they come, with them afterwards.

Qdrant's page on bulk upload: an indexing threshold of 0 turns the building of graphs off. The threshold that a
collection had is kept in its metadata, so that a run that was killed does not lose it.
"""

import time
from typing import TYPE_CHECKING

from footage.server_connection import ServerConnection

if TYPE_CHECKING:
    from qdrant_client import models

USUAL_THRESHOLD_KB = 20_000  # Qdrant's own default, by its service definition (OptimizersConfigDiff)
POLL_S = 1.0
_KEPT = "footage_indexing_threshold_kb"


def begin_bulk_load(connection: ServerConnection, collection: str) -> None:
    """Build no graphs in `collection` from now on; it may be called again."""
    config = _info(connection, collection).config
    held = config.optimizer_config.indexing_threshold
    _set_threshold(connection, collection, 0, {_KEPT: held} if held else {})


def end_bulk_load(connection: ServerConnection, collection: str) -> None:
    """Build the graphs, in the background, as before begin_bulk_load."""
    kept = (_info(connection, collection).config.metadata or {}).get(_KEPT)
    _set_threshold(connection, collection, kept or USUAL_THRESHOLD_KB, {})


def wait_until_indexed(connection: ServerConnection, collection: str) -> None:
    """Return when the server has built what it is to build; for millions of points that takes minutes to hours."""
    from qdrant_client import models

    green_before = False  # twice in a row: the first may be from before the optimiser woke up
    while True:
        green = _info(connection, collection).status == models.CollectionStatus.GREEN
        if green and green_before:
            return
        green_before = green
        time.sleep(POLL_S)


def _info(connection: ServerConnection, collection: str) -> "models.CollectionInfo":
    return connection.call(lambda client: client.get_collection(collection))


def _set_threshold(connection: ServerConnection, collection: str, threshold_kb: int, kept: dict[str, int]) -> None:
    from qdrant_client import models

    changed = models.OptimizersConfigDiff(indexing_threshold=threshold_kb)
    connection.call(
        lambda client: client.update_collection(collection, optimizers_config=changed, metadata=kept or None)
    )
