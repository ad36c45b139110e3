"""The page of metrics: how to get at them, what each one says, and what to do on each alert."""

import re

from cluster.monitoring import GROUPS
from cluster.monitoring_alerts import ALERTS
from footage.metric_list import METRICS

_INTRODUCTION = """
# Metrics

Written by `make docs` from `footage/metric_list.py` and `cluster/monitoring*.py`; do not edit by hand.

Runs and the search service tell Ray how they go, and each machine of a Ray cluster gives that to Prometheus.

- **Scrape**: Ray's head writes the addresses of all machines into `prom_metrics_service_discovery.json`, in the folder
  of its session and, as a link, in `/tmp/ray`. `cluster/prometheus/prometheus.yml` reads that file, so Prometheus runs
  on the head's machine or sees its `/tmp/ray` at the same place:
  `prometheus --config.file=cluster/prometheus/prometheus.yml`.
- **Look**: import `cluster/grafana/footage.json` into Grafana and choose the Prometheus.
- **Alerts**: `cluster/prometheus/alerts.yml`, with what to do [below](#alerts).
- **Who may read them**: these ports ask for no token, not even where Ray does (`RAY_AUTH_MODE=token`). They say which
  workspaces there are and how much goes on in them, and nothing of what is in a video. Let only Prometheus reach them.
- A run on a Ray of its own, as on a laptop, is not scraped; the report of the run has the same figures.
  `GET /metrics` of the search service needs no Ray: it has the figures of the last group, without the prefix `ray_`, of
  the process that answers.

What Ray does to them, in version 2.60: names get the prefix `ray_`, and counters the suffix `_total`; each series gets
the labels `WorkerId`, `NodeAddress`, `SessionName`, `Component` and `Version`. Processes send what they have every 10 s
(`RAY_metrics_report_interval_ms`) and when they end, so a short run is not lost; of one that is killed, what was not
sent is. Gauges of a process that has ended vanish after 20 s; its counters and histograms stay until their machine
ends. The sum of a histogram is made up from its buckets: use quantiles, or the counter of seconds beside it. A process
that joins a cluster for the third time, as one that watches a bucket may after long pauses (`watch.keep_ray_s`), counts
double from then on; shares, gauges and the reports of its runs stay true.
"""


def metrics_page() -> str:
    """The whole page."""
    lines = [_INTRODUCTION.strip()]
    for group, title in GROUPS.items():
        lines += ["", f"## {title}", "", "| metric | kind | labels | what it says |", "|---|---|---|---|"]
        for metric in METRICS:
            if metric.group == group:
                labels = ", ".join(f"`{label}`" for label in metric.labels)
                lines.append(f"| `{metric.exported}` | {metric.kind} | {labels} | {metric.help} |")
    lines += ["", "## Alerts"]
    for alert in ALERTS:
        summary = re.sub(r"{{.*?}}", "…", alert.summary)
        lines += ["", f"### {alert.name}", "", f"*{summary}*", "", "```", alert.expr, "```", "", alert.what_to_do]
    return "\n".join(lines) + "\n"
