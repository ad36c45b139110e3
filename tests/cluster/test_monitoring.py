"""The dashboard and the alerts ask for metrics of the list and for nothing else, and every metric is asked for."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from cluster.monitoring import FOLDER, dashboard, generated
from cluster.monitoring_alerts import ALERTS
from cluster.monitoring_panels import PANELS
from docs.generate import DOCS
from docs.metrics_page import metrics_page
from footage.metric_list import METRICS, Metric

OF_RAY = {"ray_node_gpus_utilization"}
ADDED_BY_RAY = {"WorkerId"}
EXPRESSIONS = [
    *(pytest.param(query.expr, id=panel.title) for panel in PANELS for query in panel.queries),
    *(pytest.param(alert.expr, id=alert.name) for alert in ALERTS),
]


def series(metric: Metric) -> set[str]:
    """The names under which Prometheus has it."""
    if metric.kind != "histogram":
        return {metric.exported}
    return {f"{metric.exported}_{part}" for part in ("bucket", "count")}  # the sum is no true one


def with_variables(expr: str) -> str:
    return expr.replace("$__rate_interval", "1m").replace("$workspace", ".*")


def selectors(node: Any) -> Iterator[Any]:
    """Every selector in a parsed expression."""
    match node:
        case promql_parser.VectorSelector():
            yield node
        case promql_parser.MatrixSelector():
            yield node.vector_selector
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.SubqueryExpr():
            yield from selectors(node.expr)
        case promql_parser.Call():
            for argument in node.args:
                yield from selectors(argument)
        case promql_parser.BinaryExpr():
            yield from selectors(node.lhs)
            yield from selectors(node.rhs)


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_an_expression_parses_and_asks_for_what_there_is(expr: str) -> None:
    known = {name: metric for metric in METRICS for name in series(metric)}
    found = list(selectors(promql_parser.parse(with_variables(expr))))
    assert found
    for selector in found:
        if selector.name in OF_RAY:
            continue
        metric = known[selector.name]
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= {*metric.labels, "le"}, f"{selector.name} has no such labels"
    labels = {label for selector in found if selector.name in known for label in known[selector.name].labels}
    for group in re.findall(r"(?:by|on) \(([^)]*)\)", expr):
        named = {name.strip() for name in group.split(",")} - {"", "le"}
        assert named <= labels | ADDED_BY_RAY, "it is summed up to labels that nothing has"


def test_every_metric_has_a_panel_in_its_group() -> None:
    shown = {
        (selector.name, panel.group)
        for panel in PANELS
        for query in panel.queries
        for selector in selectors(promql_parser.parse(with_variables(query.expr)))
    }
    missing = [metric.name for metric in METRICS if not {(name, metric.group) for name in series(metric)} & shown]
    assert missing == []


def test_names_are_those_that_prometheus_recommends() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"footage_[a-z_]+", metric.name), metric.name
        assert not metric.name.endswith(("_total", "_bucket", "_count", "_sum")), metric.name
        assert (metric.kind == "histogram") == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert all(bound > 0 for bound in metric.buckets), "Ray refuses others"


def test_panels_lie_beside_each_other_and_take_the_chosen_source() -> None:
    taken = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${source}"


def test_the_committed_files_are_those_of_the_list() -> None:
    for path, text in generated().items():
        assert path.read_text() == text, f"{path.name} is out of date; run `make docs`"
    assert json.loads((FOLDER / "grafana" / "footage.json").read_text()) == dashboard()
    rules = yaml.safe_load((FOLDER / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
    page = (DOCS / "metrics.md").read_text()
    assert page == metrics_page()
    for rule in rules:
        heading = rule["annotations"]["runbook"].removeprefix("docs/metrics.md#")
        assert f"\n### {rule['alert']}\n" in page
        assert heading == rule["alert"].lower()
