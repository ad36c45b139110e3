"""How the command line shows what was deleted, what gc found, and datasets: line by line, as it happens."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.display_text import short_names
from footage.deletion import Decision
from footage.mending import Mended
from footage.sidecar import Manifest

_STYLES = {"keep": "green", "delete": "red"}


def print_decisions(decisions: Iterable[Decision], dry_run: bool) -> None:
    """What became of each video and why, then how many went and how many stayed."""
    console = Console()
    done = {"keep": "kept", "delete": "would be deleted" if dry_run else "deleted"}
    counts: Counter[str] = Counter()
    for decision in decisions:
        counts[decision.action] += 1
        line = Text(f"{done[decision.action]:7} ", style=_STYLES[decision.action])
        line.append(decision.name, style="default")
        line.append(f"\n        {decision.why}", style="dim")
        console.print(line, soft_wrap=True)
    console.print(_summary({done[action]: counts[action] for action in ("delete", "keep")}, "video"), markup=False)


def print_mended(found: Iterable[Mended], dry_run: bool) -> None:
    """What gc found and mended, then how much of each kind."""
    console = Console()
    counts: Counter[str] = Counter()
    for mended in found:
        finding = mended.finding
        counts[finding.kind.replace("_", " ")] += 1
        line = Text(f"{finding.kind.replace('_', ' ')} ", style="yellow")
        line.append(finding.name or finding.subject, style="default")
        if finding.name not in ("", finding.subject):
            line.append(f"  {finding.subject}", style="dim")
        note = "" if mended.is_done or dry_run else " Left as it is for now."
        line.append(f"\n        {finding.why}{note}", style="dim")
        console.print(line, soft_wrap=True)
    if not counts:
        console.print("Everything is in order.", markup=False)
        return
    listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(counts.items()))
    console.print(f"Found: {listed}. {'Nothing was changed.' if dry_run else ''}".rstrip(), markup=False)


def print_datasets(sizes: Mapping[str, int]) -> None:
    """The datasets of a workspace and how many videos each has."""
    console = Console()
    if not sizes:
        console.print("There are no datasets. Make one with: footage datasets add NAME VIDEO", markup=False)
        return
    table = Table()
    table.add_column("dataset")
    table.add_column("videos", justify="right")
    for name, count in sizes.items():
        table.add_row(name, str(count))
    console.print(table)


def print_dataset(videos: Iterable[tuple[str, Manifest | None]]) -> None:
    """The videos of a dataset, by their sources."""
    console = Console()
    listed = list(videos)
    names = short_names(manifest.sources[0].uri for _, manifest in listed if manifest is not None and manifest.sources)
    for video_id, manifest in listed:
        name = names[manifest.sources[0].uri] if manifest is not None and manifest.sources else "(no source any more)"
        line = Text(name)
        line.append(f"  {video_id}", style="dim")
        console.print(line, soft_wrap=True)


def print_json_list(head: Mapping[str, object], name: str, items: Iterator[Mapping[str, object]]) -> None:
    """One JSON object with a list in it, written as the items come: memory does not follow their number."""
    begun = json.dumps(head)[:-1]
    print(f'{begun}{", " if head else ""}"{name}": [', end="")
    for number, item in enumerate(items):
        print(f"{', ' if number else ''}{json.dumps(item)}", end="", flush=True)
    print("]}")


def decision_as_json(decision: Decision) -> dict[str, object]:
    """A decision as the content of JSON."""
    return asdict(decision)


def mended_as_json(mended: Mended) -> dict[str, object]:
    """A finding and what became of it, as the content of JSON."""
    return {**asdict(mended.finding), "mended": mended.is_done}


def _summary(counts: Mapping[str, int], what: str) -> str:
    parts = [f"{count} {what}{'' if count == 1 else 's'} {done}" for done, count in counts.items() if count]
    return f"{', '.join(parts) or 'Nothing to do'}."
