"""The documents and names of a set-up, and its plan."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from mock_oss.http.cors import parse_cors, preflight
from mock_oss.policies.evaluation import (
    Question,
    evaluate,
    parse_policy,
    parse_trust_policy,
    trusts,
)
from mock_oss.world.lifecycle import AbortRule, parse_lifecycle
from ossferry.cli.main import commands
from ossferry.errors import SettingsError, UsageError
from ossferry.setup.calls import Call, Plan, read_plan
from ossferry.setup.documents import DOCUMENTS, compact, pretty
from ossferry.setup.result import settings_of, todo
from ossferry.setup.wanted import Wanted

TEMPLATES = Path(__file__).parents[3] / "deploy/ram"
NAMES: dict[str, Any] = {
    "account": "1000000000000000",
    "bucket": "web-direct-upload",
    "region": "cn-hangzhou",
    "origins": ("https://uploads.example.com",),
}
SAMPLE = Wanted(**NAMES)
SERVER = ("RAM", "acs:ram::1000000000000000:role/ossferry-server")


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("role", "role-policy"),
        ("trust", "trust-policy"),
        ("objects", "objects-role-policy"),
        ("caller", "caller-policy"),
        ("doctor", "doctor-policy"),
        ("links", "links-user-policy"),
        ("kill-switch", "kill-switch"),
        ("kill-switch-operator", "kill-switch-operator-policy"),
    ],
)
def test_a_policy_equals_the_template(name: str, template: str) -> None:
    assert json.loads(compact(name, SAMPLE)) == json.loads(
        (TEMPLATES / f"{template}.json").read_text()
    )


def test_every_template_is_compared() -> None:
    assert len(list(TEMPLATES.glob("*.json"))) == 8


def test_the_roles_trust_exactly_the_server() -> None:
    for identity, principal in (("ecs", SERVER[1]), ("user", SERVER[1].replace("role/", "user/"))):
        wanted = Wanted(**{**NAMES, "identity": identity})
        trust = parse_trust_policy(compact("trust", wanted), "trust")

        assert trusts(trust, [("RAM", principal)], {})
        for other in ("root", "user/somebody", "role/somebody"):
            assert not trusts(trust, [("RAM", f"acs:ram::{SAMPLE.account}:{other}")], {})
        elsewhere = principal.replace(SAMPLE.account, "2000000000000000")
        assert not trusts(trust, [("RAM", elsewhere)], {})


def test_the_servers_role_trusts_ecs_alone() -> None:
    trust = parse_trust_policy(compact("server-trust", SAMPLE), "trust")

    assert trusts(trust, [("Service", "ecs.aliyuncs.com")], {})
    assert not trusts(trust, [("Service", "fc.aliyuncs.com")], {})


def test_the_roles_need_https_except_on_a_mock() -> None:
    where = "acs:oss:*:1000000000000000:web-direct-upload/uploads/a"
    context = {"acs:SecureTransport": "false", "oss:x-oss-object-acl": "default"}
    question = Question("oss:PutObject", where, context)
    mock = Wanted(**NAMES, plain_http=True)

    assert not evaluate([parse_policy(compact("role", SAMPLE), "role")], question).allowed
    assert evaluate([parse_policy(compact("role", mock), "role")], question).allowed


def test_the_cors_rule_allows_exactly_the_origins() -> None:
    text = compact(
        "cors", Wanted(**{**NAMES, "origins": ("https://a.example", "https://b.example")})
    )
    configuration = parse_cors(text.encode())

    assert configuration.rules[0].origins == ("https://a.example", "https://b.example")
    assert configuration.response_vary
    for method in ("PUT", "POST", "GET", "HEAD", "DELETE"):
        assert preflight(text, "https://b.example", method, "authorization, x-oss-date")


def test_the_lifecycle_rules_delete_parts_after_a_day() -> None:
    rules = parse_lifecycle(compact("lifecycle", SAMPLE).encode())

    assert rules == tuple(
        AbortRule(prefix=prefix, days=1, before_ms=None)
        for prefix in ("uploads/", "incoming/", "trash/")
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_command_prints_the_document_as_the_api_takes_it(name: str) -> None:
    names = ["--account", SAMPLE.account, "--bucket", SAMPLE.bucket, "--origin", SAMPLE.origins[0]]

    done = CliRunner().invoke(commands, ["policy", name, *names])
    as_json = CliRunner().invoke(commands, ["policy", name, *names, "--json"])

    assert done.exit_code == 0, done.output
    text = compact(name, SAMPLE)
    expected = {"document": text}
    if text.startswith("{"):
        assert json.loads(done.stdout) == (expected := json.loads(text))
    else:
        assert ET.canonicalize(done.stdout, strip_text=True) == ET.canonicalize(text)
    assert done.stdout == pretty(text) + "\n"
    assert (json.loads(as_json.stdout), as_json.stdout.count("\n")) == (expected, 1)


def test_an_origin_that_the_command_cannot_use_is_a_wrong_use_of_options() -> None:
    done = CliRunner().invoke(commands, ["policy", "cors", "--origin", "http://x/y", "--json"])

    assert isinstance(done.exception, UsageError)
    assert json.loads(done.stdout) == {"error": str(done.exception)}
    assert str(done.exception).startswith("--origin: http://x/y must be scheme and host name")


@pytest.mark.parametrize(
    ("document", "given", "option"),
    [
        ("trust", (), "--account"),
        ("role", ("--account", "1000000000000000"), "--bucket"),
        ("cors", (), "--origin"),
    ],
)
def test_the_command_names_the_option_that_a_document_needs(
    document: str, given: tuple[str, ...], option: str
) -> None:
    done = CliRunner().invoke(commands, ["policy", document, *given])

    assert isinstance(done.exception, SettingsError)
    assert str(done.exception) == f"{option}: `ossferry policy {document}` needs this option."


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"account": "mine"}, "--account"),
        ({"bucket": "My-Bucket"}, "--bucket"),
        ({"bucket": "-bucket"}, "--bucket"),
        ({"region": "oss-cn-hangzhou.aliyuncs.com"}, "--region"),
        ({"region": ""}, "--region"),
        ({"origins": ()}, "--origin"),
        ({"origins": ("*",)}, "--origin"),
        ({"origins": ("https://*.example.com",)}, "--origin"),
        ({"origins": ("https://uploads.example.com/",)}, "--origin"),
        ({"origins": ("https://Uploads.example.com",)}, "--origin"),
        ({"origins": ("http://uploads.example.com",)}, "--origin"),
        ({"origins": ("https://user@uploads.example.com",)}, "--origin"),
        ({"origins": ("ftp://127.0.0.1",)}, "--origin"),
        ({"role": "a role"}, "--role"),
        ({"role": "oss-web-objects"}, "--role"),
        ({"role": "ossferry-server-doctor"}, "--role"),
        ({"domain": "files"}, "--domain"),
        ({"domain": "https://files.example.com"}, "--domain"),
        ({"domain": "files.example.com", "certificate": "a.pem"}, "--certificate"),
        ({"certificate": "a.pem", "private_key": "b.pem"}, "--certificate"),
    ],
)
def test_a_name_that_cannot_be_used_is_told_with_its_option(
    changes: dict[str, Any], option: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{option}[ :,]"):
        Wanted(**{**NAMES, **changes})


def test_origins_on_this_machine_may_use_http() -> None:
    origins = ("http://127.0.0.1:8000", "http://localhost:8000")

    assert Wanted(**{**NAMES, "origins": origins}).origins == origins


def test_a_plan_is_read_as_it_was_written() -> None:
    calls = (
        Call(service="RAM", action="CreateUser", params={"UserName": "a"}),
        Call(service="OSS", action="PutBucketCors", params={"Configuration": "<a/>"}),
    )
    plan = Plan(wanted=SAMPLE, calls=calls)
    written = json.loads(json.dumps({**plan.as_data(), "notes": []}))  # as --dry-run prints it

    assert read_plan(written) == plan


EMPTY_PLAN = Plan(wanted=SAMPLE, calls=()).as_data()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"wanted": {}},
        {"wanted": {**EMPTY_PLAN["wanted"], "more": 1}},
        {"wanted": {name: EMPTY_PLAN["wanted"][name] for name in NAMES}},
        {"wanted": {**EMPTY_PLAN["wanted"], "bucket": 1}},
        {"wanted": {**EMPTY_PLAN["wanted"], "bucket": "A"}},
        {"wanted": {**EMPTY_PLAN["wanted"], "origins": [1]}},
        {"wanted": {**EMPTY_PLAN["wanted"], "identity": "root"}},
        {"calls": 1},
        {"calls": [{"service": "RAM"}]},
        {"calls": [{"service": "RAM", "action": "A", "params": []}]},
    ],
)
def test_another_document_is_not_a_plan(change: dict[str, object]) -> None:
    data = {**EMPTY_PLAN, **change}

    with pytest.raises(SettingsError, match=r"plan|--bucket"):
        read_plan(data)


def test_a_wrong_value_of_a_plan_is_named() -> None:
    data = {**EMPTY_PLAN, "wanted": {**EMPTY_PLAN["wanted"], "adopt": "yes"}}

    with pytest.raises(SettingsError, match="the plan has a wrong value for adopt"):
        read_plan(data)


def test_a_call_is_shown_with_its_document() -> None:
    call = Call(
        service="RAM",
        action="CreatePolicy",
        params={"PolicyName": "p", "PolicyDocument": '{"a":1}'},
    )

    assert call.as_text() == 'RAM CreatePolicy PolicyName=p\n    {\n      "a": 1\n    }'


def test_the_settings_of_a_custom_domain_use_it_for_uploads() -> None:
    found = settings_of(Wanted(**NAMES, domain="files.example.com"))

    assert found["OSSFERRY_ENDPOINT"] == "https://files.example.com"
    assert found["OSSFERRY_CNAME"] == "1"
    assert found["OSSFERRY_OBJECTS_ENDPOINT"] == "https://oss-cn-hangzhou-internal.aliyuncs.com"
    outside = settings_of(Wanted(**NAMES, domain="files.example.com", identity="user"))
    assert "OSSFERRY_OBJECTS_ENDPOINT" not in outside


def test_the_settings_of_a_rehearsal_have_the_address_of_the_mock() -> None:
    domain = Wanted(**NAMES, domain="files.localhost")

    plain = settings_of(SAMPLE, "http://127.0.0.1:9000")
    found = settings_of(domain, "http://127.0.0.1:9000")

    assert (plain["OSSFERRY_ENDPOINT"], "OSSFERRY_CNAME" in plain) == (
        "http://localhost:9000",
        False,
    )
    assert found == {
        **plain,
        "OSSFERRY_ENDPOINT": "http://files.localhost:9000",
        "OSSFERRY_CNAME": "1",
    }
    assert settings_of(SAMPLE, "https://localhost")["OSSFERRY_ENDPOINT"] == "https://localhost"


def test_the_rest_for_a_person_is_said() -> None:
    domain = Wanted(**NAMES, domain="files.example.com")

    assert todo(domain)[0] == (
        "add this record to the DNS zone: files.example.com. CNAME"
        " web-direct-upload.oss-cn-hangzhou.aliyuncs.com."
    )
    assert any("certificate" in each for each in todo(domain))
    assert any("ECS instance" in each for each in todo(SAMPLE))
    assert todo(Wanted(**NAMES, identity="user")) == []
