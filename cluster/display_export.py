"""How the command line shows what was exported: line by line, as it happens."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from cluster.subtitle_export import Exported

_SAID = {
    "written": ("green", ""),
    "exists": ("yellow", "is there already, and stays: --force writes over it"),
    "silent": ("dim", "nothing is said in it, so there are no subtitles"),
    "gone": ("yellow", "was deleted meanwhile"),
}


def print_exported(exported: Iterable[Exported]) -> None:
    """The file of each video, or why there is none, then how many were written."""
    console = Console()
    counts: Counter[str] = Counter()
    for one in exported:
        counts[one.state] += 1
        style, why = _SAID[one.state]
        line = Text(one.path or one.name, style=style if one.state == "written" else "default")
        note = f"{one.cues} subtitle{'' if one.cues == 1 else 's'}" if one.state == "written" else why
        line.append(f"  {note}", style="dim")
        console.print(line, soft_wrap=True)
    written = counts["written"]
    console.print(f"{written} file{'' if written == 1 else 's'} written.", markup=False)


def exported_as_json(exported: Exported) -> dict[str, object]:
    """What became of a video, as the content of JSON."""
    return asdict(exported)
