"""Which runs give signs of life: `leases/{workspace}/{run_id}.json`."""

from collections.abc import Iterator

from footage.catalog_records import Lease
from footage.record_store import all_records, create_record, get_record, swap_record
from footage.storage import ObjectStore


class LeaseBook:
    """The leases of a workspace; leases.py has the rules."""

    def __init__(self, store: ObjectStore, workspace: str) -> None:
        self._store = store
        self._folder = f"leases/{workspace}/"

    def get(self, run_id: str) -> Lease | None:
        """The lease of a run."""
        return get_record(self._store, self._key(run_id), Lease)

    def create(self, lease: Lease) -> bool:
        """Write the lease of a run that has none."""
        return create_record(self._store, self._key(lease.run_id), lease)

    def swap(self, old: Lease, new: Lease) -> bool:
        """Replace a lease if what is stored is exactly `old`."""
        return swap_record(self._store, self._key(old.run_id), old, new)

    def delete(self, run_id: str) -> None:
        """Remove the lease of a run."""
        self._store.delete(self._key(run_id))

    def all(self) -> Iterator[Lease]:
        """All leases, by run id."""
        return all_records(self._store, self._folder, Lease)

    def _key(self, run_id: str) -> str:
        return f"{self._folder}{run_id}.json"
