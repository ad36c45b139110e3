"""How the command line shows things to a person."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from footage.search import SearchHit, SearchResponse
from footage.sidecar import Manifest, QuarantineRecord, RunReport, Sidecar

if TYPE_CHECKING:
    from cluster.doctor import Check

_LISTS = {"transcript": "meaning", "transcript_sparse": "words", "visual": "picture"}


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


def print_hits(response: SearchResponse) -> None:
    """A table of hits, best first, with the reasons of each."""
    console = Console()
    if not response.hits:
        console.print("Nothing found.", markup=False)
        return
    table = Table(title=Text(f"“{response.query}”"), title_justify="left", expand=True)
    table.add_column("#", justify="right")
    table.add_column("scene", overflow="fold", ratio=2)
    table.add_column("what is said", ratio=3)
    table.add_column("why: rank, score", no_wrap=True)
    names = short_names(hit.source_uris[0] for hit in response.hits)
    for number, hit in enumerate(response.hits, 1):
        video = Text(names[hit.source_uris[0]])
        video.append(f"\n{clock(hit.start_s)} – {clock(hit.end_s)}", style="bold")
        if hit.more_in_video:
            video.append(f"\n+{hit.more_in_video} more scenes in it", style="dim")
        table.add_row(str(number), video, _transcript(hit), Text(_reasons(hit)))
    console.print(table)
    if any(asked.toy and asked.found for asked in response.lists):
        console.print(
            "picture: made by a toy model that knows colours, textures and sizes of drawn scenes", style="dim"
        )
    total = sum(response.took_ms.values())
    scenes = "1 scene" if len(response.hits) == 1 else f"{len(response.hits)} scenes"
    console.print(f"{scenes} in {total:.0f} ms", style="dim")


def _transcript(hit: SearchHit) -> Text:
    text = Text(hit.transcript or "–")
    for start, end in hit.highlights:
        text.stylize("bold yellow", start, end)
    return text


def _reasons(hit: SearchHit) -> str:
    return "\n".join(f"{_LISTS[why.list]:7} {why.rank:3}  {why.score:5.2f}" for why in hit.why)


def print_report(report: RunReport, store: Path) -> None:
    """What a run did, and where the whole report is."""
    console = Console()
    if not report.videos_found:
        what = "Nothing is in quarantine." if report.source == "quarantine" else "No videos were found."
        console.print(what, markup=False)
        return
    if not (report.videos_done or report.videos_duplicate or report.videos_quarantined or report.videos_remaining):
        console.print(f"Nothing to do: all {report.videos_skipped} videos are indexed already.", markup=False)
        return
    counts = (
        (report.videos_done, "videos indexed"),
        (report.videos_duplicate, "with the bytes of another"),
        (report.videos_skipped, "skipped, indexed before"),
        (report.videos_quarantined, "in quarantine"),
        (report.videos_remaining, "not reached"),
    )
    console.print(", ".join(f"{count} {what}" for count, what in counts if count) + ".", markup=False)
    if report.spans_done:
        console.print(
            f"{report.scenes_done} scenes of {clock(report.media_s)} of video in {report.wall_s:.1f} s"
            f" ({report.media_hours_per_hour:.1f} video h/h); at most {report.peak_pss_mib:.0f} MiB of memory.",
            markup=False,
        )
    print_quarantine(report.quarantined, console)
    console.print(f"Report: {store / 'runs' / report.run_id}.json", style="dim", soft_wrap=True)


def print_quarantine(records: Sequence[QuarantineRecord], console: Console) -> None:
    """A table of what could not be indexed, and why."""
    if not records:
        return
    table = Table(title="In quarantine (footage retry tries these again)", title_justify="left", expand=True)
    table.add_column("video and kind", overflow="fold", ratio=1)
    table.add_column("reason", ratio=2, overflow="fold")
    table.add_column("tried", justify="right")
    names = short_names(record.source.uri for record in records)
    for record in records:
        video = Text(names[record.source.uri])
        video.append(f"\n{record.code}", style="dim")
        table.add_row(video, Text(record.reason), str(record.attempts))
    console.print(table)


def print_videos(manifests: Sequence[Manifest], quarantined: Sequence[QuarantineRecord]) -> None:
    """A table of searchable videos (each has a source), then the quarantine."""
    console = Console()
    table = Table(expand=True)
    table.add_column("video", overflow="fold", ratio=1)
    for column in ("id", "length", "picture", "scenes", "language"):
        table.add_column(column, no_wrap=True, justify="right" if column in ("length", "scenes") else "left")
    names = short_names(manifest.sources[0].uri for manifest in manifests)
    for manifest in manifests:
        video = manifest.video
        name = Text(names[manifest.sources[0].uri])
        if len(manifest.sources) > 1:
            name.append(f"\n+{len(manifest.sources) - 1} with the same bytes", style="dim")
        picture = f"{video.width_px}x{video.height_px}, {video.frame_rate:.4g}/s"
        scenes = str(len(manifest.scenes))
        table.add_row(name, manifest.video_id[:8], clock(video.duration_s), picture, scenes, manifest.language or "–")
    console.print(table)
    print_quarantine(quarantined, console)


def print_video(manifest: Manifest, sidecars: Sequence[Sidecar]) -> None:
    """One video: its sources, then its scenes."""
    console = Console()
    for source in manifest.sources:
        console.print(Text(source.uri), soft_wrap=True)
    video = manifest.video
    rotated = f", rotated by {video.rotation_deg}°" if video.rotation_deg else ""
    console.print(
        f"{manifest.video_id}: {clock(video.duration_s)}, {video.width_px} x {video.height_px}{rotated},"
        f" {video.video_codec}, {'with' if video.has_audio else 'no'} sound",
        soft_wrap=True,
        markup=False,
    )
    table = Table(expand=True)
    table.add_column("scene", justify="right")
    table.add_column("from – to", no_wrap=True)
    table.add_column("what is said", ratio=1)
    for sidecar in sidecars:
        times = f"{clock(sidecar.start_s)} – {clock(sidecar.end_s)}"
        table.add_row(str(sidecar.index), times, Text(sidecar.transcript.text or "–"))
    console.print(table)


def print_checks(checks: Sequence["Check"]) -> None:
    """What `footage doctor` found."""
    console = Console()
    marks = {"ok": ("ok", "green"), "note": ("note", "yellow"), "missing": ("missing", "red")}
    table = Table(expand=True, show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for check in checks:
        mark, style = marks[check.state]
        found = Text(check.found)
        if check.advice:
            found.append(f"\n{check.advice}", style="italic")
        table.add_row(Text(mark, style=style), check.name, found)
    console.print(table)
