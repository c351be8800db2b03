"""The shipped RAM policies give the server and the role no more than they need (threat T48)."""

import json
from pathlib import Path
from typing import Any

import pytest

from attacks.in_policy import BUCKET, HTTPS, issued, prefix
from mock_oss.policies.evaluation import Question, evaluate, evaluate_session, parse_policy
from ossferry.cli.demo import OBJECTS_ROLE, SHARER
from ossferry.cli.demo import SERVER as SERVER_USER

FOLDER = Path(__file__).parents[2] / "deploy/ram"
SERVER = ("RAM", "acs:ram::1000000000000000:role/ossferry-server")
ROLE_ARN = "acs:ram::1000000000000000:role/oss-web-upload"


def template(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text()


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(template(name))["Statement"]
    return found


def role_allows(action: str, where: str, role: str = "role-policy", **context: str) -> bool:
    policy = parse_policy(template(role), "role")
    given = {**HTTPS, **{name.replace("_", ":", 1): value for name, value in context.items()}}
    resource = f"acs:oss:*:1000000000000000:{where}"
    return evaluate((policy,), Question(action, resource, given)).allowed


def test_t48_the_server_may_assume_exactly_two_roles() -> None:
    policy = parse_policy(template("caller-policy"), "caller")

    for arn in (ROLE_ARN, OBJECTS_ROLE.arn):
        assert evaluate((policy,), Question("sts:AssumeRole", arn, {})).allowed
    for arn in (ROLE_ARN + "x", "acs:ram::1000000000000000:role/admin", "*"):
        assert not evaluate((policy,), Question("sts:AssumeRole", arn, {})).allowed
    assert not evaluate((policy,), Question("oss:PutObject", "acs:oss:*:*:x", {})).allowed


@pytest.mark.parametrize("action", ["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"])
def test_t48_the_role_uploads_below_one_prefix(action: str) -> None:
    assert role_allows(action, f"{BUCKET}/uploads/x")
    assert not role_allows(action, f"{BUCKET}/x")
    assert not role_allows(action, "another/uploads/x")
    assert not role_allows(action, f"{BUCKET}/uploads/x", acs_SecureTransport="false")


@pytest.mark.parametrize("action", ["oss:GetObject", "oss:DeleteObject", "oss:ListObjects"])
def test_t48_the_role_does_nothing_else(action: str) -> None:
    assert not role_allows(action, f"{BUCKET}/uploads/x")
    assert not role_allows(action, BUCKET)


def test_t48_the_servers_role_sees_and_ends_unfinished_uploads_below_one_prefix() -> None:
    def allows(action: str, where: str, **context: str) -> bool:
        return role_allows(action, where, "objects-role-policy", **context)

    for action in ("oss:ListParts", "oss:AbortMultipartUpload"):
        assert allows(action, f"{BUCKET}/uploads/x")
        for elsewhere in (f"{BUCKET}/trash/x", f"{BUCKET}/x", BUCKET, "another/uploads/x"):
            assert not allows(action, elsewhere)
    for action in ("oss:ListMultipartUploads", "oss:ListObjects"):
        assert allows(action, BUCKET, oss_Prefix="uploads/carol/")
        assert not allows(action, BUCKET, oss_Prefix="")
        assert not allows(action, BUCKET, oss_Prefix="trash/")
        assert not allows(action, "another", oss_Prefix="uploads/")
    for page in ("oss:ListMultipartUploads", "oss:ListObjects"):
        assert not role_allows(page, BUCKET, oss_Prefix="uploads/")


def test_t48_the_doctor_reads_settings_of_the_bucket_and_nothing_else() -> None:
    policy = parse_policy(template("doctor-policy"), "doctor")
    (statement,) = statements("doctor-policy")

    def allows(action: str, where: str) -> bool:
        return evaluate((policy,), Question(action, f"acs:oss:*:1:{where}", HTTPS)).allowed

    assert all(allows(action, BUCKET) for action in statement["Action"])
    assert all(action.startswith(("oss:GetBucket", "oss:ListC")) for action in statement["Action"])
    assert not any(allows(action, f"{BUCKET}/a") for action in statement["Action"])
    assert not allows("oss:GetBucketInfo", BUCKET)
    assert not allows("oss:GetBucketLifecycle", "another")


def test_t48_no_template_allows_by_wildcard() -> None:
    for path in FOLDER.glob("*.json"):
        name = path.stem
        for statement in statements(name):
            if statement["Effect"] == "Allow":
                assert "*" not in str(statement["Action"])
                assert statement.get("Resource") != ["*"]


def test_t48_the_demo_runs_with_the_shipped_policies() -> None:
    shipped = {
        "caller-policy": SERVER_USER.policies,
        "objects-role-policy": OBJECTS_ROLE.policies,
        "links-user-policy": SHARER.policies,
    }

    for name, (policy,) in shipped.items():
        allowed = [each for each in statements(name) if each["Effect"] == "Allow"]
        assert json.loads(policy)["Statement"] == allowed


def test_t19_the_kill_switch_stops_tokens_that_are_out() -> None:
    role = parse_policy(template("role-policy"), "role")
    switch = parse_policy(template("kill-switch"), "kill-switch")
    session = parse_policy(issued("carol")[1], "session")
    where = f"acs:oss:*:1000000000000000:{BUCKET}/{prefix('carol')}x"
    question = Question("oss:PutObject", where, HTTPS)

    assert evaluate_session((role,), session, question).allowed
    assert not evaluate_session((role, switch), session, question).allowed
