"""deploy/prometheus: the alerts name figures that the server has, and the jobs find the servers."""

import re
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from ossferry.observability.metrics import Metrics
from support.templates import DEPLOY, documents

SCRAPE, ALERTS = (
    yaml.safe_load((DEPLOY / "prometheus" / f"{name}.yaml").read_text("utf-8"))
    for name in ("scrape", "alerts")
)
RULES: list[dict[str, Any]] = ALERTS["groups"][0]["rules"]


def figures() -> dict[str, set[str]]:
    """Return the names of the labels of each figure of a server that has counted everything."""
    metrics = Metrics()
    metrics.decided("issued")
    metrics.called_sts("ok")
    metrics.recorded("page", 1)
    metrics.refused_upload()
    metrics.checked({"sts": True})
    metrics.answered("/", 500, 1.0)
    families = text_string_to_metric_families(metrics.text().decode())
    return {each.name: set(each.labels) for family in families for each in family.samples}


def test_each_alert_reads_figures_and_labels_of_the_server() -> None:
    known = {**figures(), "up": {"job", "instance"}}

    assert len(RULES) == 5
    for rule in RULES:
        named = re.findall(r"\b(up|ossferry_\w+)(?:\{(\w+)=)?", rule["expr"])
        assert named, rule
        assert [name for name, _ in named if name not in known] == []
        assert all(label in known[name] for name, label in named if label)
        shown = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        assert set(shown) <= {label for name, _ in named for label in known[name]}


def test_the_first_alert_is_about_the_jobs() -> None:
    (jobs,) = re.findall(r'job=~"([^"]+)"', RULES[0]["expr"])

    assert all(re.fullmatch(jobs, job["job_name"]) for job in SCRAPE["scrape_configs"])


def test_the_second_job_keeps_the_port_of_the_pods() -> None:
    (rule,) = SCRAPE["scrape_configs"][1]["relabel_configs"]
    text = (DEPLOY / "kubernetes/base/deployment.yaml").read_text("utf-8")
    (deployment,) = documents(text)
    (port,) = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]

    name = deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
    assert rule["regex"] == f"{name};{port['name']}"
