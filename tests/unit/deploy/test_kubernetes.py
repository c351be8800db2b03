"""deploy/kubernetes: kustomize builds it, the schemas of Kubernetes accept it, its parts agree."""

import importlib
import ipaddress
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from ossferry.cli.processes.workers import GRACE_S
from ossferry.errors import SettingsError
from ossferry.http.hosts import PROBE_PATHS
from ossferry.oss.sts import TIMEOUT_S
from ossferry.scanning import worker as scanner
from ossferry.settings.model import Settings
from support.programs import program
from support.templates import (
    DEPLOY,
    documents,
    last_stage,
    random_secret,
    run,
    settings_from,
    unknown_options,
)

FOLDER = DEPLOY / "kubernetes"
EXAMPLE = FOLDER / "overlays" / "example"
SCAN = FOLDER / "overlays" / "scan"
SECRET: dict[str, Any] = yaml.safe_load((FOLDER / "secret.example.yaml").read_text("utf-8"))
RESERVE_S = 15
"""Seconds to drain, to close connections and to end, in addition to the running requests."""


@cache
def built(folder: Path) -> list[dict[str, Any]]:
    return documents(run(program("kustomize"), "build", folder))


def the(kind: str) -> dict[str, Any]:
    (found,) = [each for each in built(EXAMPLE) if each["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    template: dict[str, Any] = the("Deployment")["spec"]["template"]
    return template


def container() -> dict[str, Any]:
    (found,) = pod()["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def secrets_folder() -> str:
    (mount,) = [each for each in container()["volumeMounts"] if each["name"] == "secrets"]
    return str(mount["mountPath"])


def probes() -> dict[str, dict[str, Any]]:
    return {name: each for name, each in container().items() if name.endswith("Probe")}


@pytest.fixture
def secrets() -> dict[str, str]:
    """The files in a pod: those of the example, with real secrets in place of two."""
    random = {name: random_secret(name) for name in ("secret", "metrics-token")}
    texts = {**SECRET["stringData"], **random}
    return {f"{secrets_folder()}/{name}": text for name, text in texts.items()}


@pytest.fixture
def settings(secrets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a pod of the example."""
    options = the("ConfigMap")["data"]
    return settings_from(options, secrets, folder=tmp_path, monkeypatch=monkeypatch)


@pytest.fixture(scope="module")
def schemas() -> ModuleType:
    """The package with the schemas of Kubernetes; importing it takes seconds."""
    return importlib.import_module("kubernetes_validate")


@pytest.mark.parametrize("version", ["1.29", "latest"])
@pytest.mark.parametrize("folder", [FOLDER / "base", EXAMPLE, SCAN], ids=lambda each: each.name)
def test_the_schemas_of_kubernetes_accept_every_object(
    schemas: ModuleType, folder: Path, version: str
) -> None:
    number = schemas.latest_version() if version == "latest" else version

    for each in [*built(folder), SECRET]:
        schemas.validate(each, number, strict=True)


def test_the_schemas_would_find_a_wrong_name(schemas: ModuleType) -> None:
    wrong = {**the("Service"), "spec": {**the("Service")["spec"], "port": 80}}

    with pytest.raises(schemas.ValidationError, match="port"):
        schemas.validate(wrong, schemas.latest_version(), strict=True)


def test_the_server_accepts_the_options(settings: Settings) -> None:
    assert unknown_options(the("ConfigMap")["data"]) == []
    assert settings.bucket == "example-uploads"
    assert settings.redis_url is not None


@pytest.mark.parametrize("name", ["secret", "metrics-token"])
def test_the_examples_secrets_are_refused(
    name: str, secrets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets[f"{secrets_folder()}/{name}"] = SECRET["stringData"][name]

    with pytest.raises(SettingsError, match=r"must be random|at least 32"):
        settings_from(the("ConfigMap")["data"], secrets, folder=tmp_path, monkeypatch=monkeypatch)


def test_the_pods_get_the_options_and_the_secrets(settings: Settings) -> None:
    (source,) = container()["envFrom"]
    volumes = {each["name"]: each for each in pod()["spec"]["volumes"]}

    assert source["configMapRef"]["name"] == the("ConfigMap")["metadata"]["name"]
    assert volumes["secrets"]["secret"]["secretName"] == SECRET["metadata"]["name"]
    assert SECRET["metadata"]["namespace"] == the("Namespace")["metadata"]["name"]


def test_each_probe_asks_a_health_path_at_the_port_of_the_server(settings: Settings) -> None:
    (port,) = container()["ports"]
    paths = {name: probe["httpGet"]["path"] for name, probe in probes().items()}

    assert {probe["httpGet"]["port"] for probe in probes().values()} == {port["name"]}
    assert port["containerPort"] == settings.port
    assert set(paths.values()) < set(PROBE_PATHS)
    assert paths["readinessProbe"] == "/readyz"
    assert paths["livenessProbe"] == paths["startupProbe"] == "/healthz"
    assert probes()["readinessProbe"]["timeoutSeconds"] > TIMEOUT_S


def test_a_pod_has_the_time_to_finish_its_requests() -> None:
    program_, seconds = container()["lifecycle"]["preStop"]["exec"]["command"]

    assert program_ == "sleep"
    assert pod()["spec"]["terminationGracePeriodSeconds"] >= int(seconds) + GRACE_S + RESERVE_S


def test_a_pod_has_no_rights_that_it_does_not_need() -> None:
    spec, own = pod()["spec"], container()["securityContext"]
    (image,) = [line for line in last_stage() if line.startswith("USER ")]
    user, group = image.removeprefix("USER ").split(":")

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == int(user)
    assert spec["securityContext"]["runAsGroup"] == int(group)
    assert spec["securityContext"]["fsGroup"] == int(group)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert {"cpu", "memory"} <= container()["resources"]["requests"].keys()
    assert "memory" in container()["resources"]["limits"]


def test_the_pods_get_the_role_of_the_service_account() -> None:
    account, namespace = the("ServiceAccount"), the("Namespace")["metadata"]

    assert pod()["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert account["metadata"]["annotations"] == {
        "pod-identity.alibabacloud.com/role-name": "ossferry-server"
    }
    assert namespace["labels"]["pod-identity.alibabacloud.com/injection"] == "on"
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_selector_selects_the_pods() -> None:
    labels = pod()["metadata"]["labels"]
    spread = pod()["spec"]["topologySpreadConstraints"]
    selectors = [
        the("Deployment")["spec"]["selector"]["matchLabels"],
        the("Service")["spec"]["selector"],
        the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in spread),
    ]

    assert all(each and each.items() <= labels.items() for each in selectors)


def test_at_least_two_pods_run_at_any_time() -> None:
    scaler, budget = the("HorizontalPodAutoscaler")["spec"], the("PodDisruptionBudget")["spec"]
    deployment = the("Deployment")

    assert scaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    assert budget["maxUnavailable"] < scaler["minReplicas"]
    assert "replicas" not in deployment["spec"]  # it would reset the scaler's number
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_request_for_the_public_address_reaches_the_pods(settings: Settings) -> None:
    ingress = the("Ingress")["spec"]
    (rule,) = ingress["rules"]
    ((path,), (tls,)) = rule["http"]["paths"], ingress["tls"]
    (port,) = the("Service")["spec"]["ports"]

    assert rule["host"] in settings.allowed_hosts
    assert rule["host"] == urlsplit(settings.public_url or "").hostname
    assert tls["hosts"] == [rule["host"]]
    assert path["backend"]["service"] == {
        "name": the("Service")["metadata"]["name"],
        "port": {"name": port["name"]},
    }
    assert port["targetPort"] == container()["ports"][0]["name"]


def test_the_pods_reach_what_they_need_and_no_more(settings: Settings) -> None:
    dns, web, state = the("NetworkPolicy")["spec"]["egress"]
    urls = [settings.redis_url, settings.database_url]
    hosts = [urlsplit(url.get_secret_value()) for url in urls if url is not None]
    (cloud,) = [each["ipBlock"] for each in web["to"]]

    assert dns["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
    assert set(ports_of(dns)) == {("UDP", 53), ("TCP", 53)}
    assert set(ports_of(web)) == {("TCP", 443)}
    assert set(ports_of(state)) == {("TCP", host.port or 5432) for host in hosts}
    assert covers(cloud, "203.0.113.1")
    assert covers(cloud, "100.118.28.1")  # an internal endpoint
    assert not covers(cloud, "100.100.100.200")  # the metadata service of ECS
    assert not covers(cloud, "10.0.0.1")


def test_only_the_ingress_controller_and_prometheus_reach_the_pods() -> None:
    (rule,) = the("NetworkPolicy")["spec"]["ingress"]

    assert the("NetworkPolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert [each["podSelector"]["matchLabels"] for each in rule["from"]] == [
        {"app": "ingress-nginx"},
        {"app.kubernetes.io/name": "prometheus"},
    ]
    assert all(each["namespaceSelector"]["matchLabels"] for each in rule["from"])
    assert [each["port"] for each in rule["ports"]] == [container()["ports"][0]["name"]]


def test_the_scanner_is_an_addition(
    secrets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {(each["kind"], each["metadata"]["name"].split("-")[0]) for each in built(EXAMPLE)}
    found = {(each["kind"], each["metadata"]["name"]): each for each in built(SCAN)}
    (config,) = [each["data"] for (kind, _), each in found.items() if kind == "ConfigMap"]
    own = settings_from(config, secrets, folder=tmp_path, monkeypatch=monkeypatch)
    scan = found["Deployment", "ossferry-scan"]["spec"]
    labels = scan["template"]["metadata"]["labels"]
    containers = {each["name"]: each for each in scan["template"]["spec"]["containers"]}
    port = "3310"

    assert {(kind, name.split("-")[0]) for kind, name in found} == before
    assert len(found) == len(built(EXAMPLE)) + 2
    assert (own.release, own.clamd) == ("checked", f"127.0.0.1:{port}")
    assert f"EXPOSE {port}" in last_stage("clamd")
    assert labels == scan["selector"]["matchLabels"]
    assert not the("Service")["spec"]["selector"].items() <= labels.items()
    policy = found["NetworkPolicy", "ossferry-scan"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert containers["scanner"]["args"] == ["scan", "--port", str(own.port)]
    assert containers["scanner"]["image"] == container()["image"]
    mounts = {each["name"]: each["mountPath"] for each in containers["scanner"]["volumeMounts"]}
    assert mounts["secrets"] == secrets_folder()
    assert {"name": "TMPDIR", "value": mounts["scan"]} in containers["scanner"]["env"]
    for each in containers.values():
        assert each["securityContext"] == container()["securityContext"]
        assert "memory" in each["resources"]["limits"]
    spec = scan["template"]["spec"]
    assert spec["securityContext"] == pod()["spec"]["securityContext"]
    assert spec["terminationGracePeriodSeconds"] > scanner.GRACE_S + RESERVE_S


def ports_of(rule: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for each in rule["ports"]:
        yield each["protocol"], each["port"]


def covers(block: dict[str, Any], address: str) -> bool:
    ip = ipaddress.ip_address(address)
    excluded = (ipaddress.ip_network(each) for each in block["except"])
    return ip in ipaddress.ip_network(block["cidr"]) and not any(ip in each for each in excluded)
