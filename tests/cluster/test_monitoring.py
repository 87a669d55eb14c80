"""The dashboard and Prometheus' file, against the metrics that a run has."""

import json
import re
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[2] / "cluster" / "monitoring"
SUFFIXES = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_sum", "_count", "_bucket")}


def offered() -> set[str]:
    """What Prometheus reads of the metrics in the module, which needs no Ray for it."""
    source = Path(__file__).parents[2] / "tilecppn" / "run" / "executors" / "ray_metrics.py"
    found = re.findall(r'= (\w+)\("(tilecppn_\w+)"', source.read_text(encoding="utf-8"))
    assert len(found) == 10
    return {f"ray_{name}{suffix}" for kind, name in found for suffix in SUFFIXES[kind]}


def test_every_metric_of_the_dashboard_is_offered_and_none_is_left_out() -> None:
    board = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    asked: set[str] = set()
    for panel in board["panels"]:
        for target in panel["targets"]:
            asked |= set(re.findall(r"ray_tilecppn_\w+", target["expr"]))
    assert asked <= offered()
    roots = {re.sub(r"_(total|sum|count|bucket)$", "", name) for name in offered()}
    shown = {re.sub(r"_(total|sum|count|bucket)$", "", name) for name in asked}
    assert roots - shown <= {"ray_tilecppn_tasks"}


def test_prometheus_reads_the_file_that_ray_writes() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    (found,) = job["file_sd_configs"]
    assert found["files"] == ["/tmp/ray/prom_metrics_service_discovery.json"]
