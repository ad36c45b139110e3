"""Sources behind http(s): one URL is one source, and only from places that the settings allow."""

import functools
from collections.abc import Iterator

from footage.errors import MissingSource, SettingsError
from footage.http_files import HttpFiles
from footage.records import Source
from footage.storage_settings import SourceSettings


@functools.lru_cache(maxsize=4)
def http_files(settings: SourceSettings) -> HttpFiles:
    """The client of these settings, one for a process: connections are kept open."""
    return HttpFiles(settings)


def list_http(url: str, settings: SourceSettings) -> Iterator[Source]:
    """The one source that a URL is.

    Raises:
        SettingsError: it may not be read, or is not there.
        StoreUnavailable: its server does not answer.
    """
    try:
        yield http_files(settings).source(url)
    except MissingSource as error:
        raise SettingsError(f"The source cannot be read. {error}") from error
