"""deploy/ros/quick-start.yaml: ROS knows its names, and it makes what the server needs."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ossferry.oss.cors_rule import EXPOSED_HEADERS, MAX_AGE_S, METHODS
from ossferry.settings.model import Settings
from ossferry.setup.documents import TRASH_AFTER_DAYS
from support.certificates import make_certificate
from support.programs import program
from support.templates import DEPLOY, random_secret, run, settings_from, unknown_options

TEXT = (DEPLOY / "ros" / "quick-start.yaml").read_text("utf-8")
TEMPLATE: dict[str, Any] = yaml.safe_load(TEXT)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
KNOWN: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("ros_resources.yaml").read_text("utf-8")
)
FUNCTIONS = {"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Replace"}
VALUES = {
    "ALIYUN::Region": "cn-hongkong",
    "ALIYUN::TenantId": "1000000000000000",
    "BucketName": "web-direct-upload",
    "Name": "ossferry",
    "Package": "https://files.example.com/ossferry-0.1.0-py3-none-any.whl?Expires=1&Signature=a%2B",
    "Constraints": "https://files.example.com/constraints.txt?Expires=1&Signature=b%2B",
    "UserName": "uploader",
    "PasswordHash": "$6$salt.of.the.test$" + "x" * 86,
    "AllowedNetwork": "203.0.113.7/32",
    "ZoneId": "cn-hongkong-b",
    "InstanceType": "ecs.e-c1m2.large",
    "SystemDiskCategory": "cloud_essd",
    "Address.EipAddress": "203.0.113.7",
    "ServerRole.Arn": "acs:ram::1000000000000000:role/ossferry-server",
    "UploadRole.Arn": "acs:ram::1000000000000000:role/ossferry-web-upload",
    "ObjectsRole.Arn": "acs:ram::1000000000000000:role/ossferry-web-objects",
    "Handle.CurlCli": "curl -i -X POST -H 'Accept: application/json' 'http://100.100.100.110/signal'",
}
"""The values of parameters, pseudo parameters and attributes in a stack."""

PROXY_SECRET = random_secret("proxy")
ROLE_NAMES = {  # in deploy/ram: in the template
    "role/ossferry-server": "role/ossferry-server",
    "role/oss-web-upload": "role/ossferry-web-upload",
    "role/oss-web-objects": "role/ossferry-web-objects",
}
MAX_USER_DATA = 16 * 1024  # bytes


def resolved(part: Any) -> Any:
    """Return a part of the template as ROS understands it, with the values of the stack."""
    if isinstance(part, list):
        return [resolved(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "Ref" in part:
        return VALUES.get(part["Ref"], part["Ref"])
    if "Fn::GetAtt" in part:
        place = ".".join(part["Fn::GetAtt"])
        return VALUES.get(place, place)
    if "Fn::Sub" in part:
        return re.sub(r"\$\{([^}]+)\}", lambda match: VALUES[match[1]], part["Fn::Sub"])
    if "Fn::Replace" in part:
        words, text = (resolved(each) for each in part["Fn::Replace"])
        for word, value in words.items():
            text = text.replace(word, value)
        return text
    return {name: resolved(each) for name, each in part.items()}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = resolved(RESOURCES[name]["Properties"])
    return found


def references(part: Any) -> Iterator[str]:
    """Yield what a part of the template refers to: `Name`, or `Name.Attribute`."""
    if isinstance(part, list):
        for each in part:
            yield from references(each)
    elif isinstance(part, dict):
        for name, each in part.items():
            if name == "Ref":
                yield each
            elif name == "Fn::GetAtt":
                yield ".".join(each)
            elif name == "Fn::Sub":
                yield from re.findall(r"\$\{([^}]+)\}", each)
            else:
                yield from references(each)


def wrong_names(given: Any, known: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the properties that ROS does not know, and the required ones that are missing."""
    if known is None or isinstance(given, list):
        for each in given if isinstance(given, list) else ():
            yield from wrong_names(each, known)
        return
    if not isinstance(given, dict) or given.keys() & FUNCTIONS:
        return
    deep = {name.rstrip("!"): part for name, part in known.items() if name != "names"}
    names = known.get("names", "").split() + [name for name in known if name != "names"]
    allowed = {name.rstrip("!") for name in names}
    yield from (f"{name} is unknown" for name in given if name not in allowed)
    required = {name[:-1] for name in names if name.endswith("!")}
    yield from (f"{name} is missing" for name in required - given.keys())
    for name, part in given.items():
        yield from wrong_names(part, deep.get(name))


def script() -> str:
    """Return the script that the instance runs at its first start."""
    text: str = properties("Instance")["UserData"]
    return text


def file_of(path: str) -> str:
    """Return the content of a file that the script writes."""
    (found,) = re.findall(rf"^cat > {re.escape(path)} <<'END'\n(.*?)^END$", script(), re.M | re.S)
    return str(found)


def policy(name: str) -> Any:
    """Return a policy of `deploy/ram` with the names of the stack."""
    text = (DEPLOY / "ram" / f"{name}.json").read_text("utf-8")
    for theirs, ours in ROLE_NAMES.items():
        text = text.replace(theirs, ours)
    return json.loads(text)


def policies_of(role: str) -> list[Any]:
    return [each["PolicyDocument"] for each in properties(role)["Policies"]]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    lines = file_of("/etc/ossferry/.env").splitlines()
    options = dict(line.split("=", 1) for line in lines)
    assert unknown_options(options) == []
    secrets = {
        "/etc/ossferry/secret": random_secret("secret"),
        "/etc/ossferry/proxy-secret": PROXY_SECRET,
    }
    return settings_from(options, secrets, folder=tmp_path, monkeypatch=monkeypatch)


# ---- names


@pytest.mark.parametrize("name", RESOURCES)
def test_ros_knows_every_type_and_property(name: str) -> None:
    each = RESOURCES[name]

    assert list(wrong_names(each.get("Properties", {}), KNOWN[each["Type"]]["properties"])) == []
    assert each.keys() <= {"Type", "Properties", "DependsOn"}


def test_a_wrong_or_missing_property_would_be_found() -> None:
    known = KNOWN["ALIYUN::OSS::Bucket"]["properties"]
    given = {"CORSConfiguration": {"CORSRule": [{"AllowedMethods": ["PUT"]}]}}

    assert sorted(wrong_names(given, known)) == [
        "AllowedMethods is unknown",
        "BucketName is missing",
    ]


def test_every_reference_has_a_target() -> None:
    parameters = {*TEMPLATE["Parameters"], "ALIYUN::Region", "ALIYUN::TenantId"}

    for target in references({"r": RESOURCES, "o": TEMPLATE["Outputs"]}):
        name, _, attribute = target.partition(".")
        if attribute:
            assert attribute in KNOWN[RESOURCES[name]["Type"]]["attributes"].split(), target
        else:
            assert name in parameters | RESOURCES.keys(), target


def test_every_parameter_is_used_and_described() -> None:
    used = set(references(RESOURCES))

    assert [name for name in TEMPLATE["Parameters"] if name not in used] == []
    assert all("Label" in each for each in TEMPLATE["Parameters"].values())


def test_the_console_offers_only_disks_that_the_zone_has() -> None:
    disk = TEMPLATE["Parameters"]["SystemDiskCategory"]

    assert "Default" not in disk
    assert disk["AssociationPropertyMetadata"] == {
        "ZoneId": "${ZoneId}",
        "InstanceType": "${InstanceType}",
        "AutoSelectFirst": True,
    }


def test_nobody_is_let_in_by_default_and_the_script_has_no_password() -> None:
    network, hashed = (TEMPLATE["Parameters"][name] for name in ("AllowedNetwork", "PasswordHash"))
    made = run("openssl", "passwd", "-6", "a-password-of-the-test").strip()

    assert "Default" not in network
    assert re.fullmatch(network["AllowedPattern"], VALUES["AllowedNetwork"])
    assert re.fullmatch(hashed["AllowedPattern"], made)
    assert not re.fullmatch(hashed["AllowedPattern"], "a-password-of-the-test")
    assert hashed["NoEcho"] is True
    assert file_of("/etc/nginx/ossferry-users") == f"uploader:{VALUES['PasswordHash']}\n"


def test_no_resource_needs_itself() -> None:
    """ROS refuses a template whose resources wait for each other."""
    needs = {
        name: {target.partition(".")[0] for target in references(each)}.intersection(RESOURCES)
        | set(each.get("DependsOn", []))
        for name, each in RESOURCES.items()
    }
    while needs:
        ready = {name for name, others in needs.items() if not others & needs.keys()}
        assert ready, needs
        needs = {name: others for name, others in needs.items() if name not in ready}


# ---- the bucket and the roles


def test_the_bucket_is_private_and_has_the_rules_that_the_page_needs(settings: Settings) -> None:
    bucket = properties("Bucket")
    (rule,) = bucket["CORSConfiguration"]["CORSRule"]
    *parts, trash = bucket["LifecycleConfiguration"]["Rule"]

    assert bucket["BucketName"] == settings.bucket
    assert (bucket["AccessControl"], bucket["BlockPublicAccess"]) == ("private", True)
    assert rule == {
        "AllowedOrigin": [settings.public_url],
        "AllowedMethod": list(METHODS),
        "AllowedHeader": ["*"],
        "ExposeHeader": list(EXPOSED_HEADERS),
        "MaxAgeSeconds": MAX_AGE_S,
    }
    assert [each["Prefix"] for each in parts] == ["uploads/", "incoming/"]
    assert all(each["AbortMultipartUpload"] == {"Days": 1} for each in parts)
    assert {each["Status"] for each in (*parts, trash)} == {"Enabled"}
    assert (trash["Prefix"], trash["Expiration"]) == ("trash/", {"Days": TRASH_AFTER_DAYS})


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("ServerRole", ["caller-policy", "doctor-policy"]),
        ("UploadRole", ["role-policy"]),
        ("ObjectsRole", ["objects-role-policy"]),
    ],
)
def test_a_role_has_the_rights_in_deploy_ram(role: str, names: list[str]) -> None:
    assert policies_of(role) == [policy(name) for name in names]


def test_only_the_instance_may_assume_the_roles(settings: Settings) -> None:
    for name in ("UploadRole", "ObjectsRole"):
        assert properties(name)["AssumeRolePolicyDocument"] == policy("trust-policy")
    (own,) = properties("ServerRole")["AssumeRolePolicyDocument"]["Statement"]

    assert own["Principal"] == {"Service": ["ecs.aliyuncs.com"]}
    assert properties("Instance")["RamRoleName"] == "ServerRole.RoleName"
    for name in ("ServerRole", "UploadRole", "ObjectsRole"):
        role = f"role/{properties(name)['RoleName']}"
        assert VALUES[f"{name}.Arn"].endswith(role)
    assert settings.role_arn == VALUES["UploadRole.Arn"]
    assert settings.objects_role_arn == VALUES["ObjectsRole.Arn"]


def test_only_https_reaches_the_instance_and_it_uses_the_hardened_metadata_service() -> None:
    (rule,) = properties("Firewall")["SecurityGroupIngress"]

    assert (rule["IpProtocol"], rule["PortRange"]) == ("tcp", "443/443")
    assert properties("Instance")["HttpTokens"] == "required"
    assert properties("PublicAddress")["InstanceId"] == "Instance"


# ---- the script of the instance


@pytest.mark.parametrize("name", ["Package", "Constraints"])
def test_the_operator_says_where_the_package_comes_from(name: str) -> None:
    """A name, in place of an address, would install what a stranger puts into the index."""
    parameter = TEMPLATE["Parameters"][name]
    pattern = re.compile(parameter["AllowedPattern"])

    assert "Default" not in parameter
    assert pattern.fullmatch(VALUES[name])
    assert [each for each in ("ossferry", "ossferry==0.1.0") if pattern.fullmatch(each)] == []


def test_the_instance_installs_the_package_with_the_versions_of_the_constraints() -> None:
    (line,) = re.findall(r"^retry (/opt/ossferry/bin/pip .+)$", script(), re.MULTILINE)

    assert shlex.split(line)[-3:] == ["--constraint", VALUES["Constraints"], VALUES["Package"]]


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script(), "utf-8")

    assert run(program("shellcheck"), tmp_path / "script") == ""
    assert len(script().encode()) < MAX_USER_DATA
    assert "ros-notify" not in script()


def test_the_server_accepts_the_options(settings: Settings) -> None:
    assert settings.public_url == "https://203.0.113.7"
    assert "proxy" in settings.auth
    assert settings.endpoint == "https://oss-cn-hongkong.aliyuncs.com"


def directives(unit: str) -> list[str]:
    """Return the lines of a unit of systemd that are neither empty nor comments."""
    return [line for line in unit.splitlines() if line and not line.startswith("#")]


def test_the_unit_is_the_one_for_production(settings: Settings) -> None:
    unit = directives(file_of("/etc/systemd/system/ossferry@.service"))

    assert unit == directives((DEPLOY / "systemd/ossferry@.service").read_text("utf-8"))
    assert f"systemctl enable --now ossferry@{settings.port}\n" in script()
    assert "WorkingDirectory=/etc/ossferry" in unit  # the server reads `.env` there
    assert "ReadWritePaths=/var/lib/ossferry" in unit
    assert str(settings.audit_file).startswith("/var/lib/ossferry/")
    assert settings.ledger_url == "sqlite:////var/lib/ossferry/ledger.db"


def test_nginx_accepts_its_file_and_says_who_signed_in(settings: Settings, tmp_path: Path) -> None:
    make_certificate(tmp_path, "203.0.113.7")
    (tmp_path / "ossferry-secret").write_text(f'proxy_set_header X-Proxy-Secret "{PROXY_SECRET}";')
    text = file_of("/etc/nginx/conf.d/ossferry.conf")
    for theirs in ("/etc/ssl/ossferry", "/etc/nginx"):
        assert theirs in text
        text = text.replace(theirs, str(tmp_path))
    (tmp_path / "main").write_text(f"pid {tmp_path}/pid; events {{}} http {{ {text} }}", "utf-8")

    run(program("nginx"), "-t", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "main")

    headers = dict(re.findall(r"proxy_set_header +(\S+) (\S+);", text))
    assert headers[header_of(settings)] == "$remote_user"
    assert headers["X-Forwarded-Proto"] == "$scheme"
    assert f"proxy_pass           http://{settings.host}:{settings.port};" in text


def header_of(settings: Settings) -> str:
    return "-".join(word.capitalize() for word in settings.proxy_user_header.split("-"))


def test_the_stack_waits_for_the_server_and_prints_its_address(settings: Settings) -> None:
    outputs = resolved(TEMPLATE["Outputs"])

    assert outputs["UploadPath"]["Value"] == f"{settings.public_url}/"
    assert outputs["CertificateFingerprint"]["Value"] == "Ready.Data"
    assert RESOURCES["Ready"]["DependsOn"] == ["PublicAddress"]
    assert properties("Ready")["Handle"] == "Handle"
    assert script().splitlines()[-1].startswith("notify SUCCESS")
    assert VALUES["Handle.CurlCli"] in script()
