"""Films on a file server, and the scratch folder that copies of them go into."""

from pathlib import Path

from actors.source_files import SourceFiles
from footage.records import Source
from footage.remote_access import RemoteAccess
from footage.storage_settings import SourceSettings
from tests.http_files import FileServer

FILM = bytes(range(256)) * 4000
FILM_GIB = len(FILM) / 2**30


def access_to(server: FileServer, scratch: Path, films: float = 3) -> RemoteAccess:
    """Scratch for so many films."""
    settings = SourceSettings(http_allow=(server.host,), scratch=str(scratch), scratch_gib=films * FILM_GIB)
    return RemoteAccess(sources=settings)


def film(server: FileServer, name: str = "a") -> Source:
    return Source(server.url(f"/{name}.mp4"), f'"{name}"', len(FILM))


def opened(source: Source) -> tuple[str, bytes, str, int]:
    return source.uri, b"", source.etag, source.size_bytes


def read(files: SourceFiles, source: Source) -> bytes:
    with files.open(*opened(source)) as path:
        return path.read_bytes()


def copies(scratch: Path) -> list[str]:
    """The names of the whole copies."""
    return sorted(path.name for path in scratch.glob("footage-sources-*/*/*"))


def leftovers(scratch: Path) -> list[str]:
    """All that there is but the lock of the room."""
    return sorted(path.name for path in scratch.glob("footage-sources-*/*") if path.name != "room.lock")


def downloads(server: FileServer, name: str = "a") -> int:
    return sum(request.startswith(f"GET /{name}.mp4") for request in server.requests)
