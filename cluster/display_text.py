"""How the command line writes times, names of videos, and what models say of pictures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from rich.console import Console
from rich.text import Text

TAGS_SHOWN = 5  # the most probable ones; more would hide what is said


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.s, hours only where there are some."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02d}:{rest / 10:04.1f}" if hours else f"{minutes}:{rest / 10:04.1f}"
    return f"{hours}:{tail}" if hours else tail


def short_names(uris: Iterable[str]) -> dict[str, str]:
    """A name for each URI, as a person would write it: the file's, with as many folders as tell it from the others."""
    parts = {uri: unquote(uri, errors="replace").split("/") for uri in uris}
    names: dict[str, str] = {}
    depth = 1
    while left := [uri for uri in parts if uri not in names]:
        tails = {uri: "/".join(parts[uri][-depth:]) for uri in left}
        times = Counter(tails.values())
        names |= {uri: tail for uri, tail in tails.items() if times[tail] == 1 or depth >= len(parts[uri])}
        depth += 1
    return names


def marked(text: str, highlights: Sequence[tuple[int, int]]) -> Text:
    """A text with these [from, to) offsets marked; a dash where there is none."""
    shown = Text(text or "–")
    for start, end in highlights:
        shown.stylize("bold yellow", start, end)
    return shown


def tags_line(tags: Mapping[str, float], most: int | None = TAGS_SHOWN) -> Text:
    """Tags with their probabilities in per cent, the `most` probable ones; None: all."""
    line = ", ".join(f"{tag} {probability:.0%}" for tag, probability in list(tags.items())[:most])
    return Text(line, style="cyan")


def print_toy_note(console: Console, kinds: Iterable[str]) -> None:
    """Say which kinds of what was shown come from toy models; nothing if none does."""
    named = list(dict.fromkeys(kinds))
    if named:
        made = "by a toy model that knows colours, textures and sizes of drawn scenes"
        console.print(f"{', '.join(named)}: {made}", style="dim", markup=False, soft_wrap=True)
