"""The panels of the Grafana dashboard: what is asked of each metric."""

from dataclasses import dataclass

from footage import metric_list as m
from footage.metric_list import Group, Metric

OF = 'workspace=~"$workspace"'
OVER = "[$__rate_interval]"  # at least four scrapes, by Grafana


@dataclass(frozen=True)
class Query:
    """PromQL, and how its series are named: `{{label}}` stands for a label's value."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A graph over time."""

    title: str
    group: Group
    unit: str  # as Grafana calls it
    help: str
    queries: tuple[Query, ...]


def by(label: str, expr: str) -> tuple[Query, ...]:
    """One query whose series differ in a label."""
    return (Query(expr, f"{{{{{label}}}}}"),)


def per_second(metric: Metric, label: str, more: str = OF) -> str:
    """How fast a counter grows, summed up to a label."""
    return f"sum by ({label}) (rate({metric.exported}{{{more}}}{OVER}))"


def quantiles(metric: Metric, label: str, more: str = "") -> tuple[Query, ...]:
    """Median and 95th percentile of a histogram."""
    grown = f"sum by (le, {label}) (rate({metric.exported}_bucket{{{more}}}{OVER}))"
    return tuple(Query(f"histogram_quantile({q}, {grown})", f"p{q * 100:.0f} {{{{{label}}}}}") for q in (0.5, 0.95))


def now(metric: Metric, label: str, more: str = OF) -> str:
    """A gauge, summed up to a label."""
    return f"sum by ({label}) ({metric.exported}{{{more}}})"


PANELS = (
    Panel("Runs that go on", "runs", "short", m.RUN_LIVE.help, by("workspace", now(m.RUN_LIVE, "workspace"))),
    Panel(
        "Since a stage last finished a span",
        "runs",
        "s",
        "Grows steadily where a run is stuck. While models are loaded it grows too.",
        by("workspace", f"time() - max by (workspace, WorkerId) ({m.LAST_PROGRESS.exported}{{{OF}}})"),
    ),
    Panel("Videos left", "runs", "short", m.VIDEOS_LEFT.help, by("workspace", now(m.VIDEOS_LEFT, "workspace"))),
    Panel("Videos claimed", "runs", "short", m.CLAIMS.help, by("workspace", now(m.CLAIMS, "workspace"))),
    Panel(
        "Videos per hour", "runs", "short", m.VIDEOS.help, by("outcome", f"3600 * {per_second(m.VIDEOS, 'outcome')}")
    ),
    Panel(
        "Scenes per hour", "runs", "short", m.SCENES.help, by("outcome", f"3600 * {per_second(m.SCENES, 'outcome')}")
    ),
    Panel(
        "Spans per hour", "runs", "short", m.SPANS.help, by("workspace", f"3600 * {per_second(m.SPANS, 'workspace')}")
    ),
    Panel(
        "Hours of media per hour",
        "runs",
        "short",
        "How much faster than playing the videos are indexed.",
        by("workspace", per_second(m.MEDIA_SECONDS, "workspace")),
    ),
    Panel("Time of a stage for a span", "stages", "s", m.STAGE_SECONDS.help, quantiles(m.STAGE_SECONDS, "stage", OF)),
    Panel(
        "Actors at work, by stage",
        "stages",
        "short",
        "Seconds of work in each second: how many actors a stage keeps busy.",
        by("stage", per_second(m.WORK_SECONDS, "stage")),
    ),
    Panel("Actors, by pool", "stages", "short", m.ACTORS.help, by("pool", now(m.ACTORS, "pool", ""))),
    Panel(
        "Busy share of a pool",
        "stages",
        "percentunit",
        "The pool that is busy all the time is what limits the run.",
        by("pool", f"{now(m.BUSY_ACTORS, 'pool')} / {now(m.ACTORS, 'pool', '')}"),
    ),
    Panel("GPUs, by pool", "stages", "short", m.POOL_GPUS.help, by("pool", now(m.POOL_GPUS, "pool", ""))),
    Panel("Rows that wait for a pool", "stages", "short", m.QUEUE_ROWS.help, by("pool", now(m.QUEUE_ROWS, "pool"))),
    Panel(
        "How full batches are",
        "stages",
        "percentunit",
        "Items of the batches that models were given, by the places in them.",
        by("stage", f"{per_second(m.BATCH_ITEMS, 'stage')} / ({per_second(m.BATCH_SLOTS, 'stage')} > 0)"),
    ),
    Panel(
        "Deaths of workers per hour",
        "stages",
        "short",
        m.WORKER_DEATHS.help,
        by("stage", f"3600 * {per_second(m.WORKER_DEATHS, 'stage')}"),
    ),
    Panel("Read per second", "stores", "Bps", m.BYTES_READ.help, by("stage", per_second(m.BYTES_READ, "stage"))),
    Panel(
        "Requests sent again per minute",
        "stores",
        "short",
        m.STORE_RETRIES.help,
        by("stage", f"60 * {per_second(m.STORE_RETRIES, 'stage')}"),
    ),
    Panel(
        "Memory of a model",
        "models",
        "bytes",
        m.MODEL_MEMORY.help,
        (Query(f"max by (stage, device) ({m.MODEL_MEMORY.exported})", "{{stage}} on {{device}}"),),
    ),
    Panel("Parts of a search", "search", "s", m.SEARCH_PARTS.help, quantiles(m.SEARCH_PARTS, "part")),
    Panel("Time of an answer", "search", "s", m.HTTP_SECONDS.help, quantiles(m.HTTP_SECONDS, "route")),
    Panel(
        "Requests per second",
        "search",
        "reqps",
        m.HTTP_REQUESTS.help,
        (Query(per_second(m.HTTP_REQUESTS, "route, status", ""), "{{route}} {{status}}"),),
    ),
    Panel("Requests in hand", "search", "short", m.UNDER_WAY.help, (Query(f"sum({m.UNDER_WAY.exported})", "all"),)),
    Panel(
        "Pages of hits that are empty",
        "search",
        "percentunit",
        "Searches that found nothing, or asked for a page behind the last hit.",
        (
            Query(
                f'sum(rate({m.HITS.exported}_bucket{{le="0.5"}}{OVER})) / sum(rate({m.HITS.exported}_count{OVER}))',
                "share",
            ),
        ),
    ),
)
