"""The documents of a set-up: RAM policies as JSON, and the bucket's settings as XML.

Every document is built as data from a `Wanted`. `deploy/ram` has the same documents for sample
names; a test compares them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import oss2
from oss2 import xml_utils

from ossferry.identity.object_keys import TRASH, UPLOADS
from ossferry.oss.cors_rule import upload_rule
from ossferry.oss.kill_switch import DENY, POLICY_NAME
from ossferry.oss.policy import objects_policy, upload_policy
from ossferry.oss.sdks.oss2_sdk import bucket_cors
from ossferry.settings.rules import TRASH_DAYS
from ossferry.setup.wanted import Wanted

__all__ = [
    "ABORT_AFTER_DAYS",
    "ABORT_RULE",
    "BUCKET_MARK",
    "DOCUMENTS",
    "TRASH_AFTER_DAYS",
    "TRASH_RULE",
    "compact",
    "cors_text",
    "is_same_rule",
    "other_rules",
    "pretty",
    "xml_of_cors",
]

Json = dict[str, Any]

ABORT_RULE = "ossferry-abort-parts"
"""The id of the lifecycle rule that deletes the parts of unfinished uploads."""
ABORT_AFTER_DAYS = 1
TRASH_RULE = "ossferry-trash"
"""The id of the lifecycle rule that deletes what the server has not removed from its trash."""
TRASH_AFTER_DAYS = TRASH_DAYS + 1
BUCKET_MARK = ("made-by", "ossferry setup")
"""The tag of a bucket that the set-up has made: key and value."""
HTTPS_ONLY: Json = {
    "Effect": "Deny",
    "Action": ["oss:*"],
    "Resource": ["*"],
    "Condition": {"Bool": {"acs:SecureTransport": "false"}},
}


def _policy(*statements: Json) -> Json:
    return {"Version": "1", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _https_only(wanted: Wanted) -> list[Json]:
    """Return the statement that denies plain HTTP, except for a mock that speaks nothing else."""
    return [] if wanted.plain_http else [HTTPS_ONLY]


def _role(wanted: Wanted) -> Json:
    """Return the policy of the role for pages."""
    allow, never_public = _statements(upload_policy(bucket=wanted.bucket, prefix=UPLOADS))
    return _policy(allow, *_https_only(wanted), never_public)


def _objects(wanted: Wanted) -> Json:
    """Return the policy of the role for the server's own access."""
    return _policy(*_statements(objects_policy(bucket=wanted.bucket)), *_https_only(wanted))


def _statements(policy: Mapping[str, Any]) -> list[Json]:
    return list(policy["Statement"])


def _caller(wanted: Wanted) -> Json:
    """Return the policy of the server's user or role."""
    return _policy(_allow(["sts:AssumeRole"], wanted.role_arn, wanted.objects_role_arn))


def _doctor(wanted: Wanted) -> Json:
    """Return the policy with which `ossferry doctor` can read all settings of the bucket."""
    reads = ("GetBucketLocation", "GetBucketLifecycle", "GetBucketPublicAccessBlock", "ListCname")
    return _policy(_allow([f"oss:{action}" for action in reads], f"acs:oss:*:*:{wanted.bucket}"))


def _trust(wanted: Wanted) -> Json:
    """Return the trust policy of the two roles that the server assumes."""
    return _trusting({"RAM": [wanted.server_arn]})


def _server_trust(wanted: Wanted) -> Json:
    """Return the trust policy of the server's own role, for the identities `ecs` and `rrsa`.

    Source: ACK page "Use RRSA to configure RAM permissions for ServiceAccounts", and RAM page
    "Create a RAM role for a trusted Alibaba Cloud service".
    """
    if wanted.identity != "rrsa":
        return _trusting({"Service": ["ecs.aliyuncs.com"]})
    provider = f"acs:ram::{wanted.account}:oidc-provider/{wanted.provider}"
    account = f"system:serviceaccount:{wanted.service_account}"
    equals = {
        "oidc:aud": "sts.aliyuncs.com",
        "oidc:iss": wanted.issuer,
        "oidc:sub": account,
    }
    return _trusting({"Federated": [provider]}, {"StringEquals": equals})


def _trusting(principal: Json, condition: Json | None = None) -> Json:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return _policy(statement if condition is None else {**statement, "Condition": condition})


def _links(wanted: Wanted) -> Json:
    """Return the policy of a user that signs links."""
    where = f"acs:oss:*:*:{wanted.bucket}/{UPLOADS}*"
    return _policy(_allow(["oss:GetObject", "oss:GetObjectVersion"], where), *_https_only(wanted))


def _kill_switch(wanted: Wanted) -> Json:
    """Return the policy that the kill switch attaches."""
    return DENY


def _kill_switch_operator(wanted: Wanted) -> Json:
    """Return the policy of a person who may turn the kill switch."""
    turn = ("AttachPolicyToRole", "DetachPolicyFromRole", "ListPoliciesForRole")
    account = f"acs:ram:*:{wanted.account}"
    return _policy(
        _allow(
            [f"ram:{action}" for action in turn],
            f"{account}:role/{wanted.role}",
            f"{account}:policy/{POLICY_NAME}",
        )
    )


POLICIES: Mapping[str, Callable[[Wanted], Json]] = {
    "role": _role,
    "trust": _trust,
    "objects": _objects,
    "caller": _caller,
    "doctor": _doctor,
    "server-trust": _server_trust,
    "links": _links,
    "kill-switch": _kill_switch,
    "kill-switch-operator": _kill_switch_operator,
}
"""Name of a document -> function that builds the RAM policy as data."""


def _bucket(wanted: Wanted) -> bytes:
    """Return the body of PutBucket."""
    config = oss2.models.BucketCreateConfig(oss2.BUCKET_STORAGE_CLASS_STANDARD)
    return bytes(xml_utils.to_put_bucket_config(config))


def _bucket_tags(wanted: Wanted) -> bytes:
    """Return the body of PutBucketTags with the tag that marks a bucket as made by the set-up."""
    rule = oss2.models.TaggingRule()
    rule.add(*BUCKET_MARK)
    return bytes(xml_utils.to_put_tagging(oss2.models.Tagging(rule)))


def _public_access(wanted: Wanted) -> bytes:
    """Return the body of PutBucketPublicAccessBlock."""
    root = ET.Element("PublicAccessBlockConfiguration")
    ET.SubElement(root, "BlockPublicAccess").text = "true"
    return ET.tostring(root)


def _versioning(wanted: Wanted) -> bytes:
    """Return the body of PutBucketVersioning."""
    config = oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE)
    return bytes(xml_utils.to_put_bucket_versioning(config))


def _cors(wanted: Wanted) -> bytes:
    """Return the body of PutBucketCors."""
    return cors_text(wanted).encode()


def cors_text(wanted: Wanted, others: Sequence[Any] = ()) -> str:
    """Return the body of PutBucketCors with the wanted rule and then other rules."""
    model = bucket_cors(upload_rule(wanted.origins))
    model.rules.extend(others)
    return xml_of_cors(model)


def xml_of_cors(model: Any) -> str:
    """Return CORS rules, as `oss2` models, as the body of PutBucketCors."""
    return bytes(xml_utils.to_put_bucket_cors(model)).decode()


def is_same_rule(rule: Any, wanted: Wanted) -> bool:
    """Return whether a CORS rule of a bucket is the wanted rule."""
    (ours,) = bucket_cors(upload_rule(wanted.origins)).rules
    return _facts(rule) == _facts(ours)


def other_rules(found: Any, wanted: Wanted) -> list[Any]:
    """Return the CORS rules of a bucket that are not the wanted rule."""
    rules = [] if found is None else found.rules
    return [each for each in rules if not is_same_rule(each, wanted)]


def _facts(rule: Any) -> tuple[object, ...]:
    headers = (rule.allowed_headers, rule.expose_headers)
    return (
        frozenset(rule.allowed_origins),
        frozenset(rule.allowed_methods),
        *(frozenset(name.lower() for name in each) for each in headers),
        rule.max_age_seconds,
    )


def _lifecycle(wanted: Wanted) -> bytes:
    """Return the body of PutBucketLifecycle."""
    on = oss2.models.LifecycleRule.ENABLED
    abort = oss2.models.AbortMultipartUpload(days=ABORT_AFTER_DAYS)
    expiration = oss2.models.LifecycleExpiration(days=TRASH_AFTER_DAYS)
    rules = [
        oss2.models.LifecycleRule(ABORT_RULE, UPLOADS, status=on, abort_multipart_upload=abort),
        oss2.models.LifecycleRule(
            TRASH_RULE, TRASH, status=on, expiration=expiration, abort_multipart_upload=abort
        ),
    ]
    return bytes(xml_utils.to_put_bucket_lifecycle(oss2.models.BucketLifecycle(rules)))


SETTINGS: Mapping[str, Callable[[Wanted], bytes]] = {
    "bucket": _bucket,
    "bucket-tags": _bucket_tags,
    "public-access": _public_access,
    "versioning": _versioning,
    "cors": _cors,
    "lifecycle": _lifecycle,
}
"""Name of a document -> function that builds the body of a request to OSS as XML."""

DOCUMENTS = (*POLICIES, *SETTINGS)


def compact(name: str, wanted: Wanted) -> str:
    """Return a document as a request contains it."""
    if name in POLICIES:
        return json.dumps(POLICIES[name](wanted), separators=(",", ":"))
    return SETTINGS[name](wanted).decode()


def pretty(text: str) -> str:
    """Return a JSON or XML document with line breaks and indentation."""
    if text.startswith("{"):
        return json.dumps(json.loads(text), indent=2)
    root = ET.fromstring(text)  # noqa: S314 - our own document
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")
