"""Runs of this machine whose process is gone: nobody has to wait until their leases run out."""

import os
import socket
from datetime import datetime
from pathlib import Path

import psutil

from footage.catalog import Catalog
from footage.catalog_records import Lease

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def this_machine() -> str:
    """Tells this user of this boot of this machine, and the place where its process ids count, from any other.

    Containers may share a host name, or process ids that mean other processes; they do not share both of the others.
    Another user's processes may be hidden from this one.
    """
    boot, namespace = _BOOT_ID.read_text().strip(), os.stat(_PID_NAMESPACE).st_ino
    return f"{socket.gethostname()}/{boot}/{namespace}/{os.getuid()}"


def break_leases_of_the_dead(catalog: Catalog) -> list[str]:
    """Break the leases of runs that were killed on this machine; gives their ids."""
    here = this_machine()
    broken = []
    for lease in list(catalog.leases.all()):
        if lease.machine == here and not _is_running(lease):
            catalog.leases.delete(lease.run_id)  # its process cannot renew it
            broken.append(lease.run_id)
    return broken


def _is_running(lease: Lease) -> bool:
    try:
        began_at: float = psutil.Process(lease.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    # Two minutes of leave, since the clock may have been set; an id comes again later than that.
    return began_at <= datetime.fromisoformat(lease.started_at).timestamp() + 120
