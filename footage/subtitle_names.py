"""What the subtitles of a video are called: like its file, with the language, as players look for them."""

import re

from footage.file_names import file_stem
from footage.sidecar import Manifest
from footage.sources import source_name

_LANGUAGE = re.compile("[a-z]{2,3}")


def subtitle_name(manifest: Manifest) -> tuple[str, str]:
    """The stem and the part with the language, `harbor` and `.en` of `harbor.en.srt`; the latter may be empty."""
    language = f".{manifest.language}" if _LANGUAGE.fullmatch(manifest.language) else ""
    return file_stem(source_name(manifest.sources[0].uri)), language
