"""How the command line shows runs, videos and checks; answers to searches are shown by display_hits.py."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.display_text import clock, print_toy_note, short_names, tags_line
from footage.quarantine import next_step
from footage.run_records import RunReport
from footage.sidecar import Manifest, QuarantineRecord, Sidecar

if TYPE_CHECKING:
    from cluster.doctor import Check


def print_report(report: RunReport, store: str, max_attempts: int | None = None) -> None:
    """What a run did, and where the whole report is."""
    console = Console()
    if not report.videos_found:
        what = "Nothing is in quarantine." if report.source == "quarantine" else "No videos were found."
        console.print(what, markup=False)
        return
    outcomes = (report.videos_done, report.videos_duplicate, report.videos_elsewhere, report.videos_quarantined)
    if not (any(outcomes) or report.videos_remaining):
        console.print(f"Nothing to do: all {report.videos_skipped} videos are indexed already.", markup=False)
        if report.videos_left_out:
            console.print(f"{report.videos_left_out} were not indexed before; index them without --only.", markup=False)
        _print_descriptions(report, console)
        return
    counts = (
        (report.videos_done, "videos indexed"),
        (report.videos_duplicate, "with the bytes of another"),
        (report.videos_elsewhere, "indexed meanwhile by another run"),
        (report.videos_skipped, "skipped, indexed before"),
        (report.videos_left_out, "left out, not indexed before"),
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
    if report.store_retries:
        console.print(f"{report.store_retries} requests to stores had to be sent again.", markup=False)
    if report.originals_deleted:
        console.print(f"{report.originals_deleted} originals were deleted.", markup=False)
    _print_descriptions(report, console)
    print_quarantine(report.quarantined, console, max_attempts)
    console.print(f"Report: {store.rstrip('/')}/runs/{report.run_id}.json", style="dim", soft_wrap=True)


def _print_descriptions(report: RunReport, console: Console) -> None:
    """How many videos were described, and why not all of them."""
    if report.videos_described:
        videos = "1 video" if report.videos_described == 1 else f"{report.videos_described} videos"
        console.print(f"{videos} described.", markup=False)
    if report.descriptions:
        console.print(report.descriptions, style="dim", markup=False)


def print_quarantine(records: Sequence[QuarantineRecord], console: Console, max_attempts: int | None = None) -> None:
    """A table of what could not be indexed, why, and what to do; after `max_attempts` a retry leaves it out."""
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
        reason = Text(record.reason)
        reason.append(f"\n{next_step(record.code, record.attempts, max_attempts)}", style="dim")
        table.add_row(video, reason, str(record.attempts))
    console.print(table)


def print_videos(
    manifests: Sequence[Manifest], quarantined: Sequence[QuarantineRecord], max_attempts: int | None = None
) -> None:
    """A table of searchable videos (each has a source), then the quarantine."""
    console = Console()
    table = Table(expand=True)
    described = any(manifest.told for manifest in manifests)
    table.add_column("video", overflow="fold", ratio=2)
    for column in ("length", "scenes", "language"):
        table.add_column(column, no_wrap=True, justify="left" if column == "language" else "right")
    if described:
        table.add_column("what it is about", ratio=3)
    names = short_names(manifest.sources[0].uri for manifest in manifests)
    for manifest in manifests:
        video = manifest.video
        name = Text(names[manifest.sources[0].uri])
        picture = f"{video.width_px}x{video.height_px}, {video.frame_rate:.4g}/s"
        name.append(f"\n{manifest.video_id[:8]}  {picture}", style="dim")
        if len(manifest.sources) > 1:
            name.append(f"\n+{len(manifest.sources) - 1} with the same bytes", style="dim")
        row: list[str | Text] = [name, clock(video.duration_s), str(len(manifest.scenes)), manifest.language or "–"]
        if described:
            row.append(Text(manifest.told.text if manifest.told else "–"))
        table.add_row(*row)
    console.print(table)
    toys = ("description" for manifest in manifests if manifest.told and manifest.told.toy)
    print_toy_note(console, toys)
    print_quarantine(quarantined, console, max_attempts)


def print_video(manifest: Manifest, sidecars: Sequence[Sidecar]) -> None:
    """One video: its sources and what it is about, then its scenes."""
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
    if manifest.told is not None:
        console.print(Text(manifest.told.text))
    table = Table(expand=True)
    seen = any(sidecar.caption or sidecar.vision_tags for sidecar in sidecars)
    table.add_column("scene", justify="right")
    table.add_column("from – to", no_wrap=True)
    table.add_column("what is said", ratio=1)
    if seen:
        table.add_column("what is seen", ratio=1)
    for sidecar in sidecars:
        times = f"{clock(sidecar.start_s)} – {clock(sidecar.end_s)}"
        row: list[str | Text] = [str(sidecar.index), times, Text(sidecar.transcript.text or "–")]
        if seen:
            row.append(_seen(sidecar))
        table.add_row(*row)
    console.print(table)
    toys = ["description"] if manifest.told is not None and manifest.told.toy else []
    toys += ["caption" for sidecar in sidecars if sidecar.caption is not None and sidecar.caption.toy]
    toys += ["tags" for sidecar in sidecars if sidecar.vision_tags and sidecar.embeddings.vision.toy]
    print_toy_note(console, toys)


def _seen(sidecar: Sidecar) -> Text:
    """The caption of a scene, then all its tags."""
    lines = [Text(sidecar.caption.text)] if sidecar.caption is not None else []
    if sidecar.vision_tags:
        lines.append(tags_line(sidecar.vision_tags, most=None))
    return Text("\n").join(lines) if lines else Text("–")


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
