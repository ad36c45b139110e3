"""What a run would take of a cluster, found before it starts: for `--dry-run` of index and submit."""

from pathlib import Path

from footage.remote_access import RemoteAccess
from footage.settings import Settings
from footage.sources import list_sources
from footage.store_address import open_store
from pipelines.allocation import Allocation, allocation_of
from pipelines.cluster_room import ClusterRoom
from pipelines.room_lookup import room_for_index, room_for_submit, room_of_cluster_file


def allocation_for_index(source: str | None, store: str, settings: Settings, ray_address: str | None) -> Allocation:
    """How `footage index` (or `retry`, without a source) would be laid out here, or on the cluster that is named.

    Raises:
        FootageError: source, store or settings are not usable, or no cluster answers.
    """
    return _allocation(source, store, settings, room_for_index(settings, ray_address))


def allocation_for_submit(
    source: str, store: str, settings: Settings, dashboard: str, cluster_file: Path | None = None
) -> Allocation:
    """How a job would be laid out: on the cluster of a dashboard, or on that of a cluster launcher's file.

    Raises:
        FootageError: source, store or settings are not usable, or nothing answers at the address.
    """
    room = room_of_cluster_file(settings, cluster_file) if cluster_file else room_for_submit(settings, dashboard)
    return _allocation(source, store, settings, room)


def _allocation(source: str | None, store: str, settings: Settings, room: ClusterRoom) -> Allocation:
    videos, size_bytes = None, 0
    if source is not None:
        videos = 0
        for found in list_sources(source, RemoteAccess.of(settings)):
            videos += 1
            size_bytes += found.size_bytes
    return allocation_of(settings, room, open_store(store, settings.s3), videos=videos, size_bytes=size_bytes)
