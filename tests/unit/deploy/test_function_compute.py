"""deploy/function-compute/s.yaml: the names and limits of Function Compute, and the options.

Sources: the component `fc3` of Serverless Devs (`src/schema.json` and the custom domain in
`src/utils`, May 2026), and the API pages CreateFunctionInput and CustomHealthCheckConfig of
Function Compute 3.0.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ossferry.http.hosts import PROBE_PATHS
from ossferry.settings.model import Settings
from support.templates import DEPLOY, random_secret, settings_from, unknown_options

TEXT = (DEPLOY / "function-compute" / "s.yaml").read_text("utf-8")
NAMES = {
    "": "code cpu customContainerConfig customDomain description diskSize environmentVariables"
    " functionName instanceConcurrency instanceLifecycleConfig internetAccess logConfig memorySize"
    " provisionConfig region role runtime scalingConfig tags timeout triggers vpcConfig",
    "customContainerConfig": "command entrypoint healthCheckConfig image port registryConfig",
    "customContainerConfig.healthCheckConfig": "failureThreshold httpGetUrl initialDelaySeconds"
    " periodSeconds successThreshold timeoutSeconds",
    "customDomain": "authConfig certConfig domainName protocol route tlsConfig wafConfig",
    "customDomain.certConfig": "certName certificate privateKey",
    "customDomain.route": "methods path qualifier rewriteConfig",
    "logConfig": "enableInstanceMetrics enableLlmMetrics enableRequestMetrics logBeginRule logstore"
    " project",
    "provisionConfig": "alwaysAllocateCPU alwaysAllocateGPU defaultTarget scheduledActions"
    " targetTrackingPolicies",
    "triggers": "description invocationRole qualifier sourceArn triggerConfig triggerName"
    " triggerType",
    "triggers.triggerConfig": "authConfig authType disableURLInternet methods",
    "vpcConfig": "securityGroupId vSwitchIds vpcId",
}
"""The allowed names in each part of `props`."""

LIMITS = {
    "customContainerConfig.healthCheckConfig.failureThreshold": range(1, 121),
    "customContainerConfig.healthCheckConfig.initialDelaySeconds": range(121),
    "customContainerConfig.healthCheckConfig.periodSeconds": range(1, 121),
    "customContainerConfig.healthCheckConfig.successThreshold": range(1, 121),
    "customContainerConfig.healthCheckConfig.timeoutSeconds": range(1, 4),
    "diskSize": (512, 10240),
    "instanceConcurrency": range(1, 201),
    "memorySize": range(128, 32769, 64),
    "timeout": range(1, 86401),
}
SECRETS = {
    "OIDC_CLIENT_SECRET": "from the provider",
    "SECRET": random_secret("secret"),
    "METRICS_TOKEN": random_secret("metrics"),
    "LEDGER": "postgresql://ossferry:PASSWORD@pgm-example.pg.rds.aliyuncs.com/ossferry",
    "REDIS": "rediss://:PASSWORD@r-example.redis.rds.aliyuncs.com:6379/0",
}
MAX_ENVIRONMENT = 4096  # bytes


def props(text: str = TEXT) -> dict[str, Any]:
    """Return the properties of the function, with the values of `vars` and of the environment."""
    variables = yaml.safe_load(text)["vars"]
    text = re.sub(r"\$\{vars\.(\w+)\}", lambda match: str(variables[match[1]]), text)
    text = re.sub(r"\$\{env\('(\w+)'\)\}", lambda match: SECRETS.get(match[1], match[1]), text)
    found: dict[str, Any] = yaml.safe_load(text)["resources"]["ossferry"]["props"]
    return found


def unknown(part: Any, place: str = "") -> list[str]:
    """Return the names that Function Compute does not know, with their places."""
    if isinstance(part, list):
        return [name for each in part for name in unknown(each, place)]
    if place not in NAMES or not isinstance(part, dict):
        return []
    prefix = f"{place}." if place else ""
    wrong = [f"{prefix}{name}" for name in part if name not in NAMES[place].split()]
    return wrong + [bad for name in part for bad in unknown(part[name], f"{prefix}{name}")]


def at(place: str) -> Any:
    found: Any = props()
    for name in place.split("."):
        found = found[name]
    return found


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    options = props()["environmentVariables"]
    return settings_from(options, {}, folder=tmp_path, monkeypatch=monkeypatch)


def test_every_name_is_one_of_function_compute() -> None:
    assert unknown(props()) == []
    assert yaml.safe_load(TEXT)["edition"] == "3.0.0"
    assert yaml.safe_load(TEXT)["resources"]["ossferry"]["component"] == "fc3"


def test_a_wrong_name_would_be_found() -> None:
    wrong = TEXT.replace("timeoutSeconds", "timeout_seconds").replace("cpu:", "cpus:")

    assert unknown(props(wrong)) == [
        "cpus",
        "customContainerConfig.healthCheckConfig.timeout_seconds",
    ]


@pytest.mark.parametrize("place", LIMITS)
def test_every_number_is_within_its_limits(place: str) -> None:
    assert at(place) in LIMITS[place]


def test_memory_and_processor_fit_together() -> None:
    ratio = props()["memorySize"] / 1024 / props()["cpu"]

    assert 1 <= ratio <= 4
    assert round(props()["cpu"] / 0.05, 6).is_integer()


def test_the_server_accepts_the_options(settings: Settings) -> None:
    assert unknown_options(props()["environmentVariables"]) == []
    assert settings.role_arn == "acs:ram::1000000000000000:role/oss-web-upload"


def test_the_environment_is_not_too_large() -> None:
    size = sum(len(name) + len(value) for name, value in props()["environmentVariables"].items())

    assert size < MAX_ENVIRONMENT


def test_requests_reach_the_port_of_the_server(settings: Settings) -> None:
    assert at("customContainerConfig.port") == settings.port == 9000
    assert settings.host == "0.0.0.0"  # noqa: S104 - in a container
    assert at("customDomain.domainName") in settings.allowed_hosts
    assert at("customDomain.protocol") == "HTTPS"
    assert at("customDomain.route.path") == "/*"


def test_instances_that_cannot_serve_get_no_requests() -> None:
    assert at("customContainerConfig.healthCheckConfig.httpGetUrl") == "/readyz"
    assert "/readyz" in PROBE_PATHS


def test_the_server_works_between_requests_and_identifies_people_itself() -> None:
    (trigger,) = props()["triggers"]

    assert at("provisionConfig.defaultTarget") >= 1
    assert at("provisionConfig.alwaysAllocateCPU") is True
    assert trigger["triggerConfig"]["authType"] == "anonymous"
    assert {"GET", "HEAD", "POST", "DELETE", "OPTIONS"} <= set(trigger["triggerConfig"]["methods"])


def test_no_secret_is_in_the_file() -> None:
    own = yaml.safe_load(TEXT)["resources"]["ossferry"]["props"]
    options = own["environmentVariables"]
    secret = {name for name in options if re.search("SECRET|TOKEN|DATABASE|REDIS", name)}

    assert all(options[name].startswith("${env('") for name in secret)
    assert own["customDomain"]["certConfig"]["privateKey"].startswith("${env('")
