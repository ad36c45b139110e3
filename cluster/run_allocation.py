"""What a run would take of a cluster, found before it starts: for `--dry-run` of index and submit."""

from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sources import list_sources
from footage.store_address import open_store
from pipelines.allocation import Allocation, allocation_of
from pipelines.cluster_room import ClusterRoom
from pipelines.room_lookup import room_for_index, room_for_submit


def allocation_for_index(source: str, store: str, settings: Settings, ray_address: str | None) -> Allocation:
    """How `footage index` would be laid out here, or on the cluster that is named.

    Raises:
        FootageError: source, store or settings are not usable, or no cluster answers.
    """
    return _allocation(source, store, settings, room_for_index(settings, ray_address))


def allocation_for_submit(source: str, store: str, settings: Settings, dashboard: str) -> Allocation:
    """How a job would be laid out on the cluster of a dashboard.

    Raises:
        FootageError: source, store or settings are not usable, or nothing answers at the address.
    """
    return _allocation(source, store, settings, room_for_submit(settings, dashboard))


def _allocation(source: str, store: str, settings: Settings, room: ClusterRoom) -> Allocation:
    videos = size_bytes = 0
    for found in list_sources(source, RemoteAccess.of(settings)):
        videos += 1
        size_bytes += found.size_bytes
    return allocation_of(settings, room, open_store(store, settings.s3), videos=videos, size_bytes=size_bytes)
