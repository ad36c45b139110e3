"""What a run is asked to do."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from footage.index_address import IndexAddress, index_address
from footage.local_sources import folder_path
from footage.parts import Part
from footage.records import Source
from footage.s3_uri import is_s3


@dataclass(frozen=True)
class IndexRequest:
    """What to index, and where to."""

    source: str | None  # None: what is in quarantine
    store: str | Path  # folder, or s3://bucket/prefix
    index: str | None = None  # folder, or URL of a Qdrant server; None: in the store's folder
    workspace: str = "default"
    dataset: str | None = None
    only: tuple[Part, ...] = ()  # make only these anew, of videos that are indexed
    names: tuple[str, ...] = ()  # of a retry: these sources, however often they failed
    verbose: bool = False
    ray_address: str | None = None  # of a cluster that sees the same files; None: a Ray of our own
    job: str = ""  # of the cluster, that the run belongs to
    arrived: Collection[Source] | None = None  # of a watch: only these of the source, which is not listed again

    @property
    def store_address(self) -> str:
        """The store, a folder by its whole path: workers have folders of their own."""
        store = str(self.store)
        if is_s3(store):
            return store
        return str(folder_path(store).absolute())

    @property
    def source_address(self) -> str:
        """The source as other runs, which may have other folders, are told of it; a retry may need any."""
        if self.source is None:
            return "quarantine"
        return _without_query(self.source) if "://" in self.source else str(Path(self.source).absolute())

    @property
    def index_address(self) -> IndexAddress:
        """Where the vectors are.

        Raises:
            SettingsError: the store is a bucket, and no index is named.
        """
        return index_address(self.store_address, self.index)

    @property
    def command(self) -> str:
        """What a process that waits for the index is told about this run."""
        return f"footage index {_without_query(self.source)}" if self.source else "footage retry"


def _without_query(source: str) -> str:
    """A source for others to read: the query of a signed URL is a key."""
    return source.partition("?")[0] if source.lower().startswith(("http://", "https://")) else source
