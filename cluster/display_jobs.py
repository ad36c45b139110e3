"""How the command line shows jobs and runs."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.job_list import Job
from footage.run_history import RunSummary
from pipelines.progress import duration

_STYLES = {
    "running": "green",
    "pending": "yellow",
    "finished": "",
    "interrupted": "yellow",
    "failed": "red",
    "lost": "red",
}


def print_jobs(jobs: Sequence[Job]) -> None:
    """A table of jobs."""
    console = Console()
    if not jobs:
        console.print("Nothing was indexed yet. Start with: footage submit SOURCE, or footage index SOURCE")
        return
    table = Table(expand=True)
    table.add_column("job or run", no_wrap=True)  # to be copied into `status`
    for column in ("state", "source", "videos", "scenes", "took"):
        table.add_column(column, overflow="fold", justify="right" if column in ("scenes", "took") else "left")
    for job in jobs:
        run = job.runs[0] if job.runs else None
        cells = [job.name, job.state, job.of("source"), _videos(run), str(run.scenes) if run else "–", _took(job)]
        table.add_row(*map(Text, cells), style=_STYLES.get(job.state, ""))
    console.print(table)


def print_status(job: Job) -> None:
    """Everything about one job."""
    Console().print(status(job))


def status(job: Job) -> RenderableType:
    """A job with the progress of its run, and with what became of those before it."""
    lines = [Text.assemble((job.name, "bold"), "  ", (job.state, _STYLES.get(job.state, "")))]
    into = f"workspace {job.of('workspace')}" + (f", dataset {job.of('dataset')}" if job.of("dataset") else "")
    lines.append(Text(f"{job.of('source')} into {into}, profile {job.of('profile')}"))
    if not job.runs:
        lines.append(Text(_before_its_run(job)))
    else:
        lines += [Text(line) for line in progress_lines(job.runs[0])]
    if len(job.runs) > 1:
        done = sum(run.videos_done for run in job.runs[1:])
        before = len(job.runs) - 1
        lines.append(Text(f"Before this: {before} run{'s' * (before > 1)}, {done} videos done."))
    if job.error:
        lines.append(Text(job.error, style="red"))
    if job.page:
        lines.append(Text(job.page, style="dim"))
    return Group(*lines)


def progress_lines(run: RunSummary) -> list[str]:
    """How far a run is, as sentences."""
    if run.videos_to_do is None:
        return ["It was killed." if run.state == "lost" else f"Run {run.run_id}: {run.doing}."]
    counts = [f"{run.videos_done} of {run.videos_to_do} videos done"]
    counts += [f"{run.videos_skipped} skipped", f"{run.videos_quarantined} quarantined"]
    counts += [f"{run.videos_remaining} remaining", f"{run.scenes} scenes"]
    lines = [" · ".join(counts)]
    if run.wall_s:
        pace = [f"{run.media_hours_per_hour:.1f} video h/h", f"{duration(run.wall_s)} so far"]
        if run.state != "running":
            pace[1] = f"took {duration(run.wall_s)}"
        if run.left_s is not None:
            pace.append(f"about {duration(run.left_s)} left")
        if run.doing:
            pace.append(run.doing)
        lines.append(" · ".join(pace))
    if run.state == "lost":
        lines.append("Its process was killed. What it finished stays; index the source again to go on.")
    if run.state == "interrupted":
        lines.append("What it finished stays; index the source again to go on.")
    return lines


def _before_its_run(job: Job) -> str:
    if job.state == "pending":
        return "The cluster prepares its environment, or has no room for it yet."
    return "Its run begins." if job.state == "running" else "It ended before its run began."


def _videos(run: RunSummary | None) -> str:
    if run is None or run.videos_to_do is None:
        return "–"
    shown = f"{run.videos_done} of {run.videos_to_do}"
    return f"{shown}, {run.videos_quarantined} in quarantine" if run.videos_quarantined else shown


def _took(job: Job) -> str:
    seconds = job.runs[0].wall_s if job.runs else job.ray.wall_s if job.ray is not None else 0
    return duration(seconds) if seconds else "–"
