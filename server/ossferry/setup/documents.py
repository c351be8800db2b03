"""The documents of a set-up: RAM policies as JSON, and the bucket's settings as XML.

Every document is built from a `Wanted` object. `deploy/ram` has the same documents for sample
names; a test compares them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ossferry.identity.object_keys import INCOMING, TRASH, UPLOADS
from ossferry.oss.cors_rule import Cors, CorsRule, cors_document, upload_rule
from ossferry.oss.kill_switch import DENY, POLICY_NAME
from ossferry.oss.policy import allow, objects_policy, upload_policy
from ossferry.settings.rules import TRASH_DAYS
from ossferry.setup.wanted import Wanted

Json = dict[str, Any]

ABORT_RULE = "ossferry-abort-parts"
"""The id of the lifecycle rule that deletes the parts of unfinished uploads."""
ABORT_INCOMING_RULE = "ossferry-abort-incoming"
"""The id of the lifecycle rule that does so for uploads that will be held."""
ABORT_AFTER_DAYS = 1
TRASH_RULE = "ossferry-trash"
"""The id of the lifecycle rule that deletes what the server has not removed from its trash."""
TRASH_AFTER_DAYS = TRASH_DAYS + 1
RULES = {ABORT_RULE, ABORT_INCOMING_RULE, TRASH_RULE}
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


def _https_only(wanted: Wanted) -> list[Json]:
    """Return the statement that denies plain HTTP, except for a mock that speaks nothing else."""
    return [] if wanted.plain_http else [HTTPS_ONLY]


def _role(wanted: Wanted) -> Json:
    """Return the policy of the role for pages; each grant allows less, of one of the two places."""
    upload, never_public = _statements(upload_policy(bucket=wanted.bucket, prefix=UPLOADS))
    upload["Resource"].append(f"acs:oss:*:*:{wanted.bucket}/{INCOMING}{UPLOADS}*")
    return _policy(upload, *_https_only(wanted), never_public)


def _objects(wanted: Wanted) -> Json:
    """Return the policy of the role for the server's own access."""
    return _policy(*_statements(objects_policy(bucket=wanted.bucket)), *_https_only(wanted))


def _statements(policy: Mapping[str, Any]) -> list[Json]:
    return list(policy["Statement"])


def _caller(wanted: Wanted) -> Json:
    """Return the policy of the server's user or role."""
    return _policy(allow(["sts:AssumeRole"], wanted.role_arn, wanted.objects_role_arn))


def _doctor(wanted: Wanted) -> Json:
    """Return the policy with which `ossferry doctor` can read all settings of the bucket."""
    reads = ("GetBucketLocation", "GetBucketLifecycle", "GetBucketPublicAccessBlock", "ListCname")
    return _policy(allow([f"oss:{action}" for action in reads], f"acs:oss:*:*:{wanted.bucket}"))


def _trust(wanted: Wanted) -> Json:
    """Return the trust policy of the two roles that the server assumes."""
    return _trusting({"RAM": [wanted.server_arn]})


def _server_trust(wanted: Wanted) -> Json:
    """Return the trust policy of the server's own role, which an ECS instance assumes.

    Source: RAM page "Create a RAM role for a trusted Alibaba Cloud service".
    """
    return _trusting({"Service": ["ecs.aliyuncs.com"]})


def _trusting(principal: Json) -> Json:
    return _policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def _links(wanted: Wanted) -> Json:
    """Return the policy of a user that signs links."""
    where = f"acs:oss:*:*:{wanted.bucket}/{UPLOADS}*"
    return _policy(allow(["oss:GetObject", "oss:GetObjectVersion"], where), *_https_only(wanted))


def _kill_switch(wanted: Wanted) -> Json:
    """Return the policy that the kill switch attaches."""
    return DENY


def _kill_switch_operator(wanted: Wanted) -> Json:
    """Return the policy of a person who may turn the kill switch."""
    turn = ("AttachPolicyToRole", "DetachPolicyFromRole", "ListPoliciesForRole")
    account = f"acs:ram:*:{wanted.account}"
    return _policy(
        allow(
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


def _xml(name: str, *content: Any) -> str:
    """Return an XML element; its content is text, or elements as tuples of name and content."""
    return ET.tostring(_element(name, *content), encoding="unicode")


def _element(name: str, *content: Any) -> ET.Element:
    made = ET.Element(name)
    for each in content:
        if isinstance(each, str):
            made.text = each
        else:
            made.append(_element(*each))
    return made


def cors_text(wanted: Wanted, others: Sequence[CorsRule] = ()) -> str:
    """Return the XML body of PutBucketCors: the rule of the set-up first, then other rules.

    Args:
        wanted: the wanted state, which contains the origins for the rule of the set-up.
        others: the other rules.
    """
    return cors_document([upload_rule(wanted.origins), *others])


def is_same_rule(rule: CorsRule, wanted: Wanted) -> bool:
    """Return whether a CORS rule equals the rule of the set-up, which allows `wanted.origins`."""
    return _facts(rule) == _facts(upload_rule(wanted.origins))


def other_rules(found: Cors | None, wanted: Wanted) -> list[CorsRule]:
    """Return the CORS rules of a bucket except the rule of the set-up.

    Args:
        found: all CORS rules of the bucket; None if it has none.
        wanted: the wanted state, which contains the origins for the rule of the set-up.
    """
    rules = () if found is None else found.rules
    return [each for each in rules if not is_same_rule(each, wanted)]


def _facts(rule: CorsRule) -> tuple[object, ...]:
    return (
        frozenset(rule.origins),
        frozenset(rule.methods),
        *(frozenset(name.lower() for name in each) for each in (rule.headers, rule.exposed)),
        rule.max_age_s,
    )


_ABORT = ("AbortMultipartUpload", ("Days", str(ABORT_AFTER_DAYS)))
_EXPIRATION = ("Expiration", ("Days", str(TRASH_AFTER_DAYS)))
_KEY, _VALUE = BUCKET_MARK
SETTINGS: Mapping[str, str] = {
    "bucket": _xml("CreateBucketConfiguration", ("StorageClass", "Standard")),
    "bucket-tags": _xml("Tagging", ("TagSet", ("Tag", ("Key", _KEY), ("Value", _VALUE)))),
    "public-access": _xml("PublicAccessBlockConfiguration", ("BlockPublicAccess", "true")),
    "versioning": _xml("VersioningConfiguration", ("Status", "Enabled")),
    "lifecycle": _xml(
        "LifecycleConfiguration",
        *(
            ("Rule", ("ID", id_), ("Prefix", prefix), ("Status", "Enabled"), _ABORT)
            for id_, prefix in ((ABORT_RULE, UPLOADS), (ABORT_INCOMING_RULE, INCOMING))
        ),
        ("Rule", ("ID", TRASH_RULE), ("Prefix", TRASH), ("Status", "Enabled"), _EXPIRATION, _ABORT),
    ),
}
"""Name of a document -> the body of a request to OSS as XML; `cors_text` makes that of CORS."""

DOCUMENTS = (*POLICIES, *SETTINGS, "cors")


def compact(name: str, wanted: Wanted) -> str:
    """Return a document of a set-up without line breaks.

    The document is a RAM policy as JSON, or the body of a request to OSS as XML.

    Args:
        name: name of the document, one of `DOCUMENTS`.
        wanted: the wanted state, from which the document is built.
    """
    if name in POLICIES:
        return json.dumps(POLICIES[name](wanted), separators=(",", ":"))
    return cors_text(wanted) if name == "cors" else SETTINGS[name]


def pretty(text: str) -> str:
    """Return a JSON or XML document with line breaks and indentation, for people."""
    if text.startswith("{"):
        return json.dumps(json.loads(text), indent=2)
    root = ET.fromstring(text)  # noqa: S314 - our own document
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")
