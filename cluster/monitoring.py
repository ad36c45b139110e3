"""Makes what Grafana and Prometheus are given out of one list of metrics: dashboard, alert rules, configuration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.monitoring_alerts import ALERTS, Alert
from cluster.monitoring_panels import PANELS, Panel
from footage.metric_list import VIDEOS

FOLDER = Path(__file__).parent
_GENERATED = "# Written by `make docs` from cluster/monitoring*.py and footage/metric_list.py; do not edit by hand.\n"
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3  # of Grafana's grid, which is 24 wide
GROUPS = {
    "runs": "Runs",
    "stages": "Stages and pools",
    "stores": "Object stores",
    "models": "Models",
    "search": "The search service",
}


def generated() -> Mapping[Path, str]:
    """The text of every generated file, by its path."""
    return {
        FOLDER / "grafana" / "footage.json": json.dumps(dashboard(), indent=2) + "\n",
        FOLDER / "prometheus" / "alerts.yml": _yaml(rules()),
        FOLDER / "prometheus" / "prometheus.yml": _yaml(configuration()),
    }


def _yaml(content: Mapping[str, Any]) -> str:
    return _GENERATED + yaml.safe_dump(content, sort_keys=False, width=120)


def configuration(
    discovery: str = "/tmp/ray/prom_metrics_service_discovery.json", rule_file: str = "alerts.yml", every: str = "15s"
) -> dict[str, Any]:
    """Of a Prometheus on a machine with Ray's head.

    Args:
        discovery: where the head writes which addresses there are; in the folder that `ray start --temp-dir` names.
        rule_file: the alerts; from the folder of the configuration, if it is no whole path.
        every: how often figures are asked for. Ray's processes send theirs to their node every 10 s.
    """
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [rule_file],
        "scrape_configs": [{"job_name": "ray", "file_sd_configs": [{"files": [discovery], "refresh_interval": every}]}],
    }


def rules() -> dict[str, Any]:
    """The alert rules."""
    return {"groups": [{"name": "footage", "rules": [_rule(alert) for alert in ALERTS]}]}


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.lasts,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook": f"docs/metrics.md#{alert.name.lower()}"},
    }


def dashboard() -> dict[str, Any]:
    """Grafana's dashboard: a row for each group, three panels abreast."""
    panels: list[dict[str, Any]] = []
    y = 0
    for group, title in GROUPS.items():
        place = {"x": 0, "y": y, "w": 24, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        y += 1
        members = [panel for panel in PANELS if panel.group == group]
        for number, panel in enumerate(members):
            row, column = divmod(number, _COLUMNS)
            place = {"x": column * _WIDTH, "y": y + row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_panel(panel)})
        y += -(-len(members) // _COLUMNS) * _HEIGHT
    return {
        "uid": "footage",
        "title": "footage",
        "tags": ["footage", "ray"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_source_variable(), _workspace_variable()]},
        "panels": panels,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": query.expr, "legendFormat": query.legend}
        for number, query in enumerate(panel.queries)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.help,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _workspace_variable() -> dict[str, Any]:
    return {
        "name": "workspace",
        "label": "Workspace",
        "type": "query",
        "datasource": _SOURCE,
        "query": f"label_values({VIDEOS.exported}, workspace)",
        "refresh": 2,  # whenever the time range changes
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
