"""A run and searches on a cluster of its own, as a Prometheus from Debian sees them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
import yaml

from cluster.monitoring import FOLDER
from cluster.monitoring_alerts import ALERTS
from cluster.monitoring_panels import PANELS
from footage import metric_list as m
from footage.metric_list import METRICS, Metric
from footage.run_records import RunReport
from serve_apps.serve_environment import SERVE_ENVIRONMENT
from tests.conftest import PROJECT
from tests.memory_folder import memory_folder
from tests.prometheus_server import Prometheus, Series, running_prometheus
from tests.ray_head import PROGRAMS, RayHead, free_ports, ray_environment, ray_head
from tests.s3_servers import S3Server

pytestmark = [pytest.mark.ray, pytest.mark.services, pytest.mark.timeout(400)]
SEARCHES = 12
MIB = 2**20


@dataclass(frozen=True)
class Seen:
    """What happened, and the Prometheus that saw it."""

    prometheus: Prometheus
    report: RunReport
    began_at: float

    def series(self, metric: Metric) -> Series:
        """All values of a metric; of a histogram, its counts."""
        name = f"{metric.exported}_count" if metric.kind == "histogram" else metric.exported
        return self.prometheus.ask(name, time.time() - self.began_at)

    def last(self, metric: Metric, label: str = "") -> dict[str, float]:
        """The last values of a metric, summed up to a label; without one under an empty name."""
        found: dict[str, float] = {}
        for labels, values in self.series(metric):
            key = labels[label] if label else ""
            found[key] = found.get(key, 0) + values[-1]
        return found

    def highest(self, metric: Metric, label: str) -> dict[str, float]:
        """The highest value of each label."""
        found: dict[str, float] = {}
        for labels, values in self.series(metric):
            found[labels[label]] = max(found.get(labels[label], 0), *values)
        return found


@pytest.fixture(scope="module")
def seen(moto_s3: S3Server, prepared: object) -> Iterator[Seen]:
    bucket, clips = moto_s3.new_bucket(), PROJECT / "samples" / "clips"
    for key, content in {
        "coast.mp4": (clips / "coast.mp4").read_bytes(),
        "copy.mp4": (clips / "coast.mp4").read_bytes(),
        "garage.mp4": (clips / "garage.mp4").read_bytes(),
        "window.mp4": (clips / "window.mp4").read_bytes(),
        "broken.mp4": b"no video",
    }.items():
        moto_s3.client().put_object(Bucket=bucket, Key=key, Body=content)
    environment = ray_environment(
        **SERVE_ENVIRONMENT,
        FOOTAGE_S3__ENDPOINT=str(moto_s3.settings.endpoint),
        FOOTAGE_CAPTIONS__ADAPTER="off",
        FOOTAGE_SUMMARIES__ADAPTER="off",
        RAY_metrics_report_interval_ms="2000",
    )
    with memory_folder() as folder, ray_head(environment) as head:
        discovery = head.folder / "prom_metrics_service_discovery.json"
        with running_prometheus(folder, discovery) as prometheus:
            began_at, store = time.time(), folder / "store"
            command = [sys.executable, "-m", "cluster.cli", "index", f"s3://{bucket}", "--store", str(store)]
            with_ray = {**environment, "RAY_ADDRESS": head.address}
            subprocess.run([*command, "--profile", "offline"], cwd=PROJECT, env=with_ray, check=False, timeout=240)
            (stored,) = (store / "runs").glob("*.json")
            report = RunReport.model_validate_json(stored.read_bytes())
            assert report.state == "finished", report.error
            _serve_and_search(head, store, folder)
            yield Seen(prometheus, report, began_at)


def _serve_and_search(head: RayHead, store: Path, folder: Path) -> None:
    (port,) = free_ports(1)
    config = yaml.safe_load((PROJECT / "serve_apps" / "serve_config.yaml").read_text())
    config["http_options"] = {"host": "127.0.0.1", "port": port}
    config["applications"][0]["args"] = {"store": str(store), "profile": "offline", "workspace": "default"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [PROGRAMS / "serve", "deploy", folder / "config.yaml", "--address", head.dashboard]
    subprocess.run(command, env=dict(head.environment), check=True, timeout=120)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        _until(lambda: client.get("/v1/health").status_code == 200)
        for _ in range(SEARCHES):
            answer = client.get("/v1/search", params={"q": "old lighthouse on a rock"})
            assert answer.status_code == 200, answer.text
            time.sleep(0.4)


def _until(holds: Callable[[], bool], within_s: float = 120) -> None:
    """Wait for something; the last time it is asked, its own error shows."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if holds():
                return
            error: Exception = AssertionError("it did not come true")
        except (AssertionError, httpx2.TransportError) as failed:
            error = failed
        if time.monotonic() > deadline:
            raise error
        time.sleep(0.5)


def _shows(seen: Seen, metric: Metric) -> bool:
    """Whether the metric says what the report, or the one who searched, says."""
    report, labels = seen.report, {label for found, _ in seen.series(metric) for label in found}
    assert set(metric.labels) <= labels, metric.name
    match metric:
        case m.VIDEOS:
            expected = {"done": 3.0, "duplicate": 1.0, "elsewhere": 0.0, "quarantined": 1.0, "skipped": 0.0}
            assert seen.last(metric, "outcome") == expected
        case m.SCENES:
            assert seen.last(metric, "outcome") == {"done": report.scenes_done, "quarantined": 0}
        case m.SPANS:
            assert seen.last(metric) == {"": report.spans_done}
        case m.MEDIA_SECONDS:
            assert seen.last(metric) == {"": pytest.approx(report.media_s, rel=1e-3)}
        case m.RUN_LIVE:
            ((_, values),) = seen.series(metric)
            assert (max(values), values[-1]) == (1, 0)
        case m.LAST_PROGRESS:
            assert seen.began_at < seen.last(metric)[""] < datetime.fromisoformat(report.finished_at).timestamp()
        case m.VIDEOS_LEFT:
            assert (seen.highest(metric, "workspace"), seen.last(metric)) == ({"default": 5}, {"": 0})
        case m.CLAIMS:
            assert 1 <= seen.highest(metric, "workspace")["default"] <= 3
            assert seen.last(metric) == {"": 0}
        case m.STAGE_SECONDS:
            assert seen.last(metric, "stage") == {stage: n for stage, n in report.stage_calls.items() if n}
        case m.WORK_SECONDS:
            assert seen.last(metric, "stage") == pytest.approx(report.stage_seconds, abs=0.01)
        case m.BATCH_ITEMS | m.BATCH_SLOTS:
            items, slots = seen.last(m.BATCH_ITEMS, "stage"), seen.last(m.BATCH_SLOTS, "stage")
            fill = {stage: items[stage] / slots[stage] for stage in slots if slots[stage]}
            assert fill == pytest.approx(report.batch_fill, abs=0.001)
        case m.QUEUE_ROWS | m.BUSY_ACTORS:
            highest = seen.highest(metric, "pool")
            assert set(highest) == set(report.pool_ready_s)
            assert 1 <= max(highest.values()) <= 5
            assert set(seen.last(metric, "pool").values()) == {0}
        case m.ACTORS:
            assert set(seen.highest(metric, "pool")) == set(report.pool_ready_s)
            assert set(seen.highest(metric, "pool").values()) == {1}  # each process for itself
        case m.POOL_GPUS:
            assert seen.highest(metric, "pool") == dict.fromkeys(report.pool_ready_s, 0)
        case m.WORKER_DEATHS:
            assert set(seen.last(metric, "stage")) == set(report.stage_calls)
            assert sum(seen.last(metric).values()) == 0
        case m.STORE_RETRIES:
            assert seen.last(metric) == {"": report.store_retries}
        case m.BYTES_READ:
            assert seen.last(metric) == {"": report.bytes_read}
            assert report.bytes_read > 600_000
        case m.MODEL_MEMORY:
            assert {labels["device"] for labels, _ in seen.series(metric)} == {"cpu"}
            of_stages = seen.highest(metric, "stage")
            assert set(of_stages) == set(report.stage_calls)
            assert 20 * MIB < of_stages["Transcriber"] < 4096 * MIB
        case m.HTTP_REQUESTS | m.HTTP_SECONDS:
            assert seen.last(metric, "route")["/v1/search"] == SEARCHES
        case m.UNDER_WAY:
            assert 0 <= seen.last(metric)[""] <= 1
        case m.SEARCH_PARTS:
            assert seen.last(metric, "part") == dict.fromkeys(("encode", "index", "fuse", "read"), SEARCHES)
        case m.HITS:
            assert seen.last(metric) == {"": SEARCHES}
        case _:
            pytest.fail(f"nothing is known of {metric.name}")
    return True


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_shows_what_happened(seen: Seen, metric: Metric) -> None:
    _until(lambda: _shows(seen, metric), within_s=20)  # figures take up to 3 s to arrive


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_has_something_to_show(seen: Seen, panel: object) -> None:
    dashboard = yaml.safe_load((FOLDER / "grafana" / "footage.json").read_text())  # YAML readers take JSON
    (shown,) = [one for one in dashboard["panels"] if one["title"] == panel.title]  # type: ignore[attr-defined]
    for target in shown["targets"]:
        expr = target["expr"].replace("$__rate_interval", "20s").replace("$workspace", ".*")
        _until(lambda expr=expr: bool(seen.prometheus.ask(expr, time.time() - seen.began_at)), within_s=20)


def test_a_node_is_scraped_without_a_token(seen: Seen) -> None:
    targets = {target["scrapeUrl"]: target["health"] for target in seen.prometheus.targets()}
    # Autoscaler and dashboard have ports of their own, the same ones on every machine, whoever has them just now.
    assert [health for url, health in targets.items() if not url.endswith((":44217/metrics", ":44227/metrics"))] == [
        "up"
    ]


def test_prometheus_evaluates_every_alert(seen: Seen) -> None:
    _until(lambda: seen.prometheus.rules() == {alert.name: "ok" for alert in ALERTS}, within_s=20)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "cluster/prometheus/alerts.yml"),
        ("check", "config", "cluster/prometheus/prometheus.yml"),
        ("test", "rules", "tests/cluster/alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_unit_test() -> None:
    tests = yaml.safe_load((PROJECT / "tests" / "cluster" / "alerts_test.yml").read_text())["tests"]
    fired = {rule["alertname"] for test in tests for rule in test["alert_rule_test"] if rule["exp_alerts"]}
    assert fired == {alert.name for alert in ALERTS}
