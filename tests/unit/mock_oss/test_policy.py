"""Evaluation of RAM policies, as tables."""

import json

import pytest

from mock_oss.policies.evaluation import (
    Decision,
    Policy,
    PolicyError,
    Question,
    evaluate,
    evaluate_session,
    parse_policy,
    parse_trust_policy,
    trusts,
)

OBJECT = "acs:oss:*:1:bucket/u/alice/photo.jpg"


def policy(*statements: dict[str, object], name: str = "p") -> Policy:
    return parse_policy(json.dumps({"Version": "1", "Statement": list(statements)}), name)


def statement(effect: str = "Allow", **elements: object) -> dict[str, object]:
    base: dict[str, object] = {"Effect": effect, "Resource": "*"}
    if "NotAction" not in elements:
        base["Action"] = "*"
    return {**base, **elements}


def ask(action: str = "oss:PutObject", resource: str = OBJECT, **context: str) -> Question:
    return Question(action, resource, {k.replace("__", ":"): v for k, v in context.items()})


@pytest.mark.parametrize(
    ("pattern", "action", "matches"),
    [
        ("oss:PutObject", "oss:PutObject", True),
        ("oss:putobject", "oss:PutObject", False),
        ("oss:Put*", "oss:PutObject", True),
        ("oss:Put?bject", "oss:PutObject", True),
        ("oss:Put?", "oss:PutObject", False),
        ("*", "oss:PutObject", True),
        ("oss:*Object", "oss:PutObjectAcl", False),
        ("sts:*", "oss:PutObject", False),
        ("oss.PutObject", "oss:PutObject", False),
    ],
)
def test_actions_match_exactly_but_for_wildcards(pattern: str, action: str, matches: bool) -> None:
    verdict = evaluate([policy(statement(Action=pattern))], ask(action))

    assert verdict.allowed is matches


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("acs:oss:*:*:bucket/u/alice/*", OBJECT, True),
        ("acs:oss:*:*:bucket/u/alice/*", "acs:oss:*:1:bucket/u/alice/", True),
        ("acs:oss:*:*:bucket/u/alice/*", "acs:oss:*:1:bucket/u/alicex/a", False),
        ("acs:oss:*:*:bucket/*", "acs:oss:*:1:bucket", False),
        ("acs:oss:*:*:bucket", "acs:oss:*:1:bucket", True),
        ("acs:oss:*:*:bucket", OBJECT, False),
        ("acs:oss:*:*:*", OBJECT, True),
        ("acs:oss:*:2:*", OBJECT, False),
        ("acs:oss:*:1:*", OBJECT, True),
        ("acs:oss:*:*:bucket/u/al?ce/*", OBJECT, True),
        ("acs:oss:*:*:bucket/*/photo.jpg", OBJECT, True),
        ("acs:oss:*:*:bucket/u/alice/photo.(jpg)", OBJECT, False),
        ("*", OBJECT, True),
    ],
)
def test_resources_match_with_wildcards_across_slashes(
    pattern: str, resource: str, matches: bool
) -> None:
    verdict = evaluate([policy(statement(Resource=pattern))], ask(resource=resource))

    assert verdict.allowed is matches


CONDITIONS = [
    ("IpAddress", "acs:SourceIp", ["203.0.113.0/24"], "203.0.113.9", True),
    ("IpAddress", "acs:SourceIp", "203.0.113.0/24", "203.0.114.9", False),
    ("IpAddress", "acs:SourceIp", "*", "203.0.114.9", True),
    ("IpAddress", "acs:SourceIp", "2001:db8::/32", "2001:db8::1", True),
    ("NotIpAddress", "acs:SourceIp", "203.0.113.0/24", "203.0.114.9", True),
    ("NotIpAddress", "acs:SourceIp", "203.0.113.0/24", "203.0.113.9", False),
    ("Bool", "acs:SecureTransport", "true", "false", False),
    ("Bool", "acs:SecureTransport", False, "false", True),
    ("DateLessThan", "acs:CurrentTime", "2026-03-14T10:00:00Z", "2026-03-14T09:00:00Z", True),
    ("DateLessThan", "acs:CurrentTime", "2026-03-14T17:00:00+08:00", "2026-03-14T09:00:00Z", False),
    ("DateGreaterThanEquals", "acs:CurrentTime", "2026-03-14", "2026-03-14T00:00:00Z", True),
    ("StringEquals", "acs:UserAgent", ["a", "b"], "b", True),
    ("StringEquals", "acs:UserAgent", "a*", "abc", False),
    ("StringLike", "acs:AccessId", "STS.*", "STS.N123", True),
    ("StringLike", "acs:AccessId", "STS.*", "LTAI", False),
    ("StringLike", "acs:AccessId", "a[b]", "ab", False),
    ("StringLike", "acs:AccessId", "a[b]", "a[b]", True),
    ("StringNotLike", "acs:AccessId", ["STS.*"], "LTAI", True),
    ("StringNotLike", "acs:AccessId", ["STS.*", "LT*"], "LTAI", False),
    ("StringEqualsIgnoreCase", "acs:SourceVpc", "VPC-1", "vpc-1", True),
    ("StringNotEqualsIgnoreCase", "acs:SourceVpc", "VPC-1", "vpc-1", False),
    ("StringEquals", "oss:Delimiter", "/", "/", True),
    ("StringLike", "oss:Prefix", ["", "dir/", "dir/sub/*"], "", True),
    ("StringLike", "oss:Prefix", ["u/alice/*"], "u/alice/", True),
    ("StringLike", "oss:Prefix", ["u/alice/*"], "", False),
    ("StringEquals", "oss:x-oss-acl", "private", "public-read", False),
    ("StringNotEquals", "oss:x-oss-object-acl", ["private", "default"], "public-read", True),
    ("StringNotEquals", "oss:x-oss-object-acl", ["private", "default"], "default", False),
    ("StringEquals", "oss:ExistingObjectTag/team", "red", "red", True),
    ("StringEquals", "oss:RequestObjectTag/team", "red", "blue", False),
    ("NumericLessThanEquals", "oss:x", 10, "10", True),
    ("NumericGreaterThan", "oss:x", 10, "10", False),
    ("NumericNotEquals", "oss:x", "10", "11", True),
    ("NumericEquals", "oss:x", "10", "ten", False),
]


@pytest.mark.parametrize(("operator", "key", "wanted", "actual", "holds"), CONDITIONS)
def test_conditions_compare_the_key_with_any_of_the_values(
    operator: str, key: str, wanted: object, actual: str, holds: bool
) -> None:
    guarded = policy(statement(Condition={operator: {key: wanted}}))

    assert evaluate([guarded], Question("a", "r", {key: actual})).allowed is holds


@pytest.mark.parametrize(
    ("operator", "holds"), [("StringEquals", False), ("Bool", False), ("StringNotEquals", True)]
)
def test_an_absent_key_fails_positive_operators_and_passes_negative_ones(
    operator: str, holds: bool
) -> None:
    guarded = policy(statement(Condition={operator: {"acs:UserAgent": "x"}}))

    assert evaluate([guarded], Question("a", "r", {})).allowed is holds


def test_all_keys_and_operators_of_a_condition_must_hold() -> None:
    both = policy(
        statement(
            Condition={
                "StringEquals": {"a": "1", "b": "2"},
                "Bool": {"acs:SecureTransport": "true"},
            }
        )
    )
    full = {"a": "1", "b": "2", "acs:SecureTransport": "true"}

    assert evaluate([both], Question("x", "r", full)).allowed
    for name in full:
        assert not evaluate([both], Question("x", "r", {**full, name: "other"})).allowed


def test_deny_wins_over_allow_wherever_it_stands() -> None:
    allow, deny = statement(), statement("Deny", Action="oss:Put*")

    for policies in ([policy(allow, deny)], [policy(deny, allow)], [policy(allow), policy(deny)]):
        assert evaluate(policies, ask()).decision is Decision.EXPLICIT_DENY
        assert evaluate(policies, ask("oss:GetObject")).allowed


def test_nothing_that_matches_is_an_implicit_deny() -> None:
    assert evaluate([], ask()).decision is Decision.IMPLICIT_DENY


def test_the_verdict_names_the_deciding_statement() -> None:
    denying = statement("Deny", Action="oss:PutObject")

    verdict = evaluate([policy(statement(), name="first"), policy(denying, name="second")], ask())

    assert verdict.policy == "second"
    assert verdict.statement is not None
    assert json.loads(verdict.statement) == denying


def test_not_action_is_everything_else() -> None:
    all_but_put = policy(statement(NotAction=["oss:Put*"]))

    assert not evaluate([all_but_put], ask("oss:PutObject")).allowed
    assert evaluate([all_but_put], ask("oss:GetObject")).allowed


SESSIONS = [
    ("oss:*", "oss:PutObject", "oss:PutObject", True),
    ("oss:*", "oss:GetObject", "oss:PutObject", False),
    ("oss:GetObject", "oss:*", "oss:PutObject", False),
    ("oss:PutObject", "oss:PutObject", "oss:PutObject", True),
    ("oss:PutObject", None, "oss:PutObject", True),
    ("oss:PutObject", None, "oss:GetObject", False),
]


@pytest.mark.parametrize(("role", "session", "action", "allowed"), SESSIONS)
def test_a_session_may_do_what_both_role_and_session_policy_allow(
    role: str, session: str | None, action: str, allowed: bool
) -> None:
    of_role = [policy(statement(Action=role))]
    of_session = None if session is None else policy(statement(Action=session))

    assert evaluate_session(of_role, of_session, ask(action)).allowed is allowed


BROKEN = [
    ("not json", "{"),
    ("a list", "[]"),
    ("number version", '{"Version":1,"Statement":[]}'),
    ("no statement", '{"Version":"1","Statement":[]}'),
    ("statement object", '{"Version":"1","Statement":{}}'),
    ("extra key", '{"Version":"1","Statement":[],"Id":"x"}'),
]
BROKEN_STATEMENTS = [
    {"Effect": "allow", "Action": "*", "Resource": "*"},
    {"Effect": "Allow", "Resource": "*"},
    {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"},
    {"Effect": "Allow", "Action": "*"},
    {"Effect": "Allow", "Action": [], "Resource": "*"},
    {"Effect": "Allow", "Action": [1], "Resource": "*"},
    {"Effect": "Allow", "Action": "*", "NotResource": "*"},
    {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"},
    {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Like": {}}},
    {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": "x"}},
    {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": [{}]}}},
    {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": []},
    {"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "\ud800"},
]


@pytest.mark.parametrize("text", [t for _, t in BROKEN], ids=[name for name, _ in BROKEN])
def test_a_document_against_the_grammar_is_an_error(text: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(text, "p")


@pytest.mark.parametrize("broken", BROKEN_STATEMENTS, ids=json.dumps)
def test_a_statement_against_the_grammar_is_an_error(broken: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        policy(broken)


def trust(*statements: dict[str, object], **elements: object) -> Policy:
    return parse_trust_policy(
        json.dumps(
            {"Version": "1", "Statement": list(statements) or [trusting("Allow", **elements)]}
        ),
        "trust",
    )


def trusting(effect: str = "Allow", **elements: object) -> dict[str, object]:
    base = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:root"}}
    return {**base, **elements}


def test_a_trust_policy_names_who_may_assume_the_role() -> None:
    by_name = trust(Principal={"RAM": ["acs:ram::1:user/a"]})

    assert trusts(by_name, [("RAM", "acs:ram::1:user/a")], {})
    assert not trusts(by_name, [("RAM", "acs:ram::1:user/b")], {})
    assert not trusts(by_name, [("Service", "acs:ram::1:user/a")], {})


def test_a_trust_policy_may_ask_for_an_external_id() -> None:
    guarded = trust(
        Principal={"RAM": "acs:ram::1:root"}, Condition={"StringEquals": {"sts:ExternalId": "x"}}
    )

    assert trusts(guarded, [("RAM", "acs:ram::1:root")], {"sts:ExternalId": "x"})
    assert not trusts(guarded, [("RAM", "acs:ram::1:root")], {})


ALICE = [("RAM", "acs:ram::1:root"), ("RAM", "acs:ram::1:user/alice")]
DENIALS = {
    "the user": {"Principal": {"RAM": "acs:ram::1:user/alice"}},
    "the account": {},
    "one of several": {"Principal": {"RAM": ["acs:ram::1:user/b", "acs:ram::1:user/alice"]}},
    "all actions": {"Action": "*"},
    "the address": {"Condition": {"IpAddress": {"acs:SourceIp": "203.0.113.0/24"}}},
}
HARMLESS = {
    "another user": {"Principal": {"RAM": "acs:ram::1:user/bob"}},
    "a service": {"Principal": {"Service": "acs:ram::1:user/alice"}},
    "another action": {"Action": "sts:GetCallerIdentity"},
    "another address": {"Condition": {"IpAddress": {"acs:SourceIp": "198.51.100.0/24"}}},
}


@pytest.mark.parametrize("denial", DENIALS.values(), ids=DENIALS)
def test_a_deny_in_a_trust_policy_wins_wherever_it_stands(denial: dict[str, object]) -> None:
    context = {"acs:SourceIp": "203.0.113.9"}
    allow, deny = trusting(), trusting("Deny", **denial)

    assert trusts(trust(allow), ALICE, context)
    assert not trusts(trust(allow, deny), ALICE, context)
    assert not trusts(trust(deny, allow), ALICE, context)
    assert not trusts(trust(allow, deny, allow), ALICE, context)


@pytest.mark.parametrize("denial", HARMLESS.values(), ids=HARMLESS)
def test_a_deny_that_does_not_match_changes_nothing(denial: dict[str, object]) -> None:
    denying = trust(trusting(), trusting("Deny", **denial))

    assert trusts(denying, ALICE, {"acs:SourceIp": "203.0.113.9"})


def test_a_trust_policy_allows_no_other_action() -> None:
    assert not trusts(trust(Action="sts:GetCallerIdentity"), ALICE, {})
    assert not trusts(trust(trusting("Deny")), ALICE, {})


def test_a_session_policy_that_is_silent_stops_what_the_role_denies_or_allows() -> None:
    silent = policy(statement(Action="oss:GetObject"), name="session")

    for effect in ("Allow", "Deny"):
        verdict = evaluate_session([policy(statement(effect))], silent, ask())
        assert verdict.decision is Decision.IMPLICIT_DENY


COMPARED = [
    ("Equals", False, True, False),
    ("NotEquals", True, False, True),
    ("LessThan", True, False, False),
    ("LessThanEquals", True, True, False),
    ("GreaterThan", False, False, True),
    ("GreaterThanEquals", False, True, True),
]


@pytest.mark.parametrize(("operator", "below", "same", "above"), COMPARED)
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Numeric", ("9.5", "10", "10.5")),
        ("Date", ("2026-03-14T08:59:59Z", "2026-03-14T09:00:00Z", "2026-03-14T09:00:01Z")),
    ],
    ids=["numbers", "dates"],
)
def test_numbers_and_dates_are_compared_at_the_boundary(
    kind: str, values: tuple[str, ...], operator: str, below: bool, same: bool, above: bool
) -> None:
    guarded = policy(statement(Condition={f"{kind}{operator}": {"k": values[1]}}))

    found = tuple(evaluate([guarded], Question("a", "r", {"k": v})).allowed for v in values)

    assert found == (below, same, above)


@pytest.mark.parametrize("value", ["VPC-1", "vpc-1"])
def test_operators_that_ignore_case_do_so(value: str) -> None:
    for operator, holds in (("StringEqualsIgnoreCase", True), ("StringNotEqualsIgnoreCase", False)):
        guarded = policy(statement(Condition={operator: {"k": "Vpc-1"}}))
        assert evaluate([guarded], Question("a", "r", {"k": value})).allowed is holds
