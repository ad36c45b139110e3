"""How sources that are not files of this machine are reached: what a worker needs of the settings, and no more."""

from dataclasses import dataclass, field
from typing import Self

from footage.settings import Settings
from footage.storage_settings import S3Settings, SourceSettings

# A worker is given this long to fetch so many bytes: 8 Mbit/s, the least line that is of use for video. A disk, which
# source_check.READ_BYTES_PER_S is about, is not slower than that.
FETCH_BYTES_PER_S = 1e6
FETCH_BASE_S = 600.0  # on top of it: a server that comes back within that is waited for
UNTOLD_BYTES = 10e9  # what a source may have whose server does not tell


@dataclass(frozen=True)
class RemoteAccess:
    """Settings of sources, for sending to workers; equal ones share their connections within a process."""

    s3: S3Settings = field(default_factory=S3Settings)
    sources: SourceSettings = field(default_factory=SourceSettings)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of a run: sources in S3 are where source_s3 says, else where the store's service is."""
        return cls(settings.source_s3 or settings.s3, settings.sources)


USUAL_ACCESS = RemoteAccess()


def fetching_s(size_bytes: int) -> float:
    """Seconds that fetching a source of this size may take at most; size 0: its server does not tell."""
    return FETCH_BASE_S + (size_bytes or UNTOLD_BYTES) / FETCH_BYTES_PER_S
