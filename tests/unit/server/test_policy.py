"""The session policy: three actions, one prefix, never public, never longer than STS allows."""

from datetime import UTC, datetime

import pytest

from ossferry.errors import PolicyError
from ossferry.oss.policy import (
    MAX_POLICY_LENGTH,
    Json,
    objects_policy,
    policy_text,
    reading_policy,
    upload_policy,
)


def test_t08_policy_names_exactly_the_actions_and_the_one_prefix() -> None:
    assert upload_policy(bucket="web-direct-upload", prefix="uploads/alice-x7/") == {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"],
                "Resource": ["acs:oss:*:*:web-direct-upload/uploads/alice-x7/*"],
            },
            {
                "Effect": "Deny",
                "Action": ["oss:PutObject", "oss:PutObjectAcl"],
                "Resource": ["*"],
                "Condition": {"StringNotEquals": {"oss:x-oss-object-acl": ["private", "default"]}},
            },
        ],
    }


def test_t08_the_servers_own_policy_names_uploads_held_uploads_and_the_trash_only() -> None:
    assert objects_policy(bucket="web-direct-upload") == {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "oss:GetObject",
                    "oss:PutObject",
                    "oss:DeleteObject",
                    "oss:GetObjectTagging",
                    "oss:PutObjectTagging",
                ],
                "Resource": [
                    "acs:oss:*:*:web-direct-upload/uploads/*",
                    "acs:oss:*:*:web-direct-upload/incoming/*",
                    "acs:oss:*:*:web-direct-upload/trash/*",
                ],
            },
            {
                "Effect": "Allow",
                "Action": ["oss:ListParts", "oss:AbortMultipartUpload"],
                "Resource": [
                    "acs:oss:*:*:web-direct-upload/uploads/*",
                    "acs:oss:*:*:web-direct-upload/incoming/*",
                ],
            },
            {
                "Effect": "Allow",
                "Action": ["oss:ListObjects", "oss:ListMultipartUploads"],
                "Resource": ["acs:oss:*:*:web-direct-upload"],
                "Condition": {"StringLike": {"oss:Prefix": ["uploads/*", "incoming/*"]}},
            },
        ],
    }


def test_t08_with_versions_the_servers_own_policy_has_one_more_action_for_uploads() -> None:
    plain, versions = (
        [each["Action"] for each in policy["Statement"]]  # type: ignore[index, call-overload]
        for policy in (
            objects_policy(bucket="web-direct-upload", versions=has) for has in (False, True)
        )
    )

    assert versions == [plain[0], [*plain[1], "oss:DeleteObjectVersion"], plain[2]]


def test_t09_conditions_hold_for_the_permission() -> None:
    until = datetime(2026, 3, 14, 9, 41, tzinfo=UTC)
    policy = upload_policy(
        bucket="web-direct-upload",
        prefix="uploads/a/",
        secure_transport=True,
        address="2001:DB8:0::1",
        until=until,
    )

    assert policy["Statement"][0]["Condition"] == {  # type: ignore[index, call-overload]
        "Bool": {"acs:SecureTransport": "true"},
        "IpAddress": {"acs:SourceIp": ["2001:db8::1"]},
        "DateLessThan": {"acs:CurrentTime": "2026-03-14T09:41:00Z"},
    }


def test_t07_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"^The address cannot be used in a session policy\.$"):
        upload_policy(bucket="web-direct-upload", prefix="uploads/a/", address="everywhere")


@pytest.mark.parametrize(
    "prefix",
    [
        "uploads/*/",
        "uploads/a*/",
        "uploads/a?/",
        "uploads/a",
        "",
        "/",
        "uploads//",
        "uploads/../",
        'uploads/"}/',
        "uploads/${acs:x}/",
        "uploads/A/",
        "uploads/é/",
        "uploads/\u0430/",
        "uploads/a b/",
        "uploads/%2a/",
        "uploads/a/\n",
    ],
)
def test_t07_a_prefix_that_could_mean_more_is_refused(prefix: str) -> None:
    told = r"^The key prefix cannot be used in a session policy\.$"
    with pytest.raises(PolicyError, match=told):
        upload_policy(bucket="web-direct-upload", prefix=prefix)
    for names in ((prefix, "trash/a/"), ("uploads/a/", prefix or "*")):
        with pytest.raises(PolicyError, match=told):
            reading_policy(bucket="web-direct-upload", source=names[0], target=names[1])


@pytest.mark.parametrize("bucket", ["*", "a*b", "a?b", "a/b", "", "A-b", "abc\n"])
def test_t07_a_bucket_that_could_mean_more_is_refused(bucket: str) -> None:
    told = r"^The bucket's name cannot be used in a session policy\.$"
    with pytest.raises(PolicyError, match=told):
        upload_policy(bucket=bucket, prefix="uploads/a/")
    with pytest.raises(PolicyError, match=told):
        objects_policy(bucket=bucket)


@pytest.mark.parametrize(
    "action",
    ["*", "oss:*", "oss:Put*", "oss:PutObject?", "ram:PutUser", "oss:putObject", "", "oss:"],
)
def test_t08_an_action_that_could_mean_more_is_refused(action: str) -> None:
    with pytest.raises(PolicyError, match=r"^An action cannot be used in a session policy\.$"):
        upload_policy(
            bucket="web-direct-upload", prefix="uploads/a/", actions=("oss:PutObject", action)
        )


def test_t08_a_policy_allows_something() -> None:
    with pytest.raises(PolicyError):
        upload_policy(bucket="web-direct-upload", prefix="uploads/a/", actions=())


def test_t13_the_longest_policy_still_fits() -> None:
    prefix = f"uploads/{'a' * 24}-{'b' * 26}/"

    text = policy_text(upload_policy(bucket="b" * 63, prefix=f"incoming/{prefix}"))

    assert len(text) <= 520
    assert " " not in text
    assert len(policy_text(objects_policy(bucket="b" * 63, versions=True))) <= 1024


def test_t13_a_policy_is_refused_rather_than_cut() -> None:
    longest: dict[str, Json] = {"Version": "1" * (MAX_POLICY_LENGTH - len('{"Version":""}'))}

    assert len(policy_text(longest)) == 1024
    with pytest.raises(PolicyError, match=r"^The session policy is longer than 1024 characters\.$"):
        policy_text({"Version": f"{longest['Version']}1"})
