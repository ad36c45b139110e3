"""Names of files made from names that others gave."""

import re
import unicodedata

LONGEST_BYTES = 160  # of 255 that file systems permit: a language, an id and a suffix follow

_FORBIDDEN = frozenset('<>:"/\\|?*')  # by Windows, whose disks are mounted elsewhere too
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # Windows opens those instead of a file


def file_stem(name: str) -> str:
    """A name without its suffix, as it can be that of a file on any system: no folders, nothing that is not seen.

    Different names may become one; compare without regard to case, as some systems do.

    Args:
        name: of a video's file, in which anything may be.
    """
    stem = _SUFFIX.sub("", name)
    seen = (char for char in unicodedata.normalize("NFC", stem) if unicodedata.category(char) != "Cf")
    plain = "".join("_" if _is_refused(char) else char for char in seen)
    short = plain.encode()[:LONGEST_BYTES].decode(errors="ignore").strip(". ")
    if not short or short.startswith(("-", "~")):  # an option or a home folder to a shell
        short = f"_{short}"
    return f"_{short}" if _DEVICES.fullmatch(short.partition(".")[0].strip()) else short


def _is_refused(char: str) -> bool:
    return char in _FORBIDDEN or unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
