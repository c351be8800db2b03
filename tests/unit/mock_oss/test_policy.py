"""Evaluation of RAM policies, as tables."""

import json
from collections.abc import Callable

import pytest

from mock_oss.policies.conditions import Condition, parse_conditions
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


@pytest.fixture(autouse=True)
def _parse_again() -> None:
    """Remove the policies that other tests have parsed."""
    parse_policy.cache_clear()


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
    ],
)
def test_actions_match_exactly_but_for_wildcards(pattern: str, action: str, matches: bool) -> None:
    verdict = evaluate([policy(statement(Action=pattern))], ask(action))

    assert verdict.allowed is matches


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("acs:oss:*:*:bucket/u/alice/*", OBJECT, True),
        ("acs:oss:*:*:bucket/*", "acs:oss:*:1:bucket", False),
        ("acs:oss:*:2:*", OBJECT, False),
        ("acs:oss:*:*:bucket/*/photo.jpg", OBJECT, True),
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
    ("IpAddress", "acs:SourceIp", "2001:db8::/32", "203.0.113.9", False),
    ("IpAddress", "acs:SourceIp", "203.0.113.77/24", "203.0.113.9", True),
    ("IpAddress", "acs:SourceIp", "203.0.113.*", "203.0.113.9", False),
    ("IpAddress", "acs:SourceIp", "203.0.113.0/24", "unknown", False),
    ("IpAddressIncludeBorder", "acs:SourceIp", "203.0.113.0/24", "203.0.113.255", True),
    ("NotIpAddress", "acs:SourceIp", "203.0.113.*", "203.0.113.9", True),
    ("NotIpAddress", "acs:SourceIp", "203.0.113.0/24", "203.0.113.9", False),
    ("Bool", "acs:SecureTransport", "true", "false", False),
    ("Bool", "acs:SecureTransport", False, "false", True),
    ("DateLessThan", "acs:CurrentTime", "2026-03-14T17:00:00+08:00", "2026-03-14T09:00:00Z", False),
    ("DateGreaterThanEquals", "acs:CurrentTime", "2026-03-14", "2026-03-14T00:00:00Z", True),
    ("StringEquals", "acs:UserAgent", ["a", "b"], "b", True),
    ("StringEquals", "acs:UserAgent", "a*", "abc", False),
    ("StringLike", "acs:AccessId", "STS.*", "STS.N123", True),
    ("StringNotLike", "acs:AccessId", ["STS.*"], "LTAI", True),
    ("StringNotLike", "acs:AccessId", ["STS.*", "LT*"], "LTAI", False),
    ("StringEqualsIgnoreCase", "acs:SourceVpc", "Vpc-1", "vpc-1", True),
    ("StringNotEqualsIgnoreCase", "acs:SourceVpc", "Vpc-1", "vpc-1", False),
    ("StringLike", "oss:Prefix", ["", "dir/", "dir/sub/*"], "", True),
    ("NumericNotEquals", "oss:x", "10", "11", True),
    ("NumericEquals", "oss:x", "10", "10.0", True),
    ("NumericEquals", "oss:x", "10", "ten", False),
    ("NumericNotEquals", "oss:x", "ten", "10", True),
    ("DateEquals", "acs:CurrentTime", "today", "2026-03-14T00:00:00Z", False),
    ("DateNotEquals", "acs:CurrentTime", "2026-03-14", "today", True),
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
    other = policy(statement(Action="oss:GetObject"))

    for policies in ([], [other]):
        assert evaluate(policies, ask()) == (Decision.IMPLICIT_DENY, None, None)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_the_verdict_names_the_first_statement_that_decides(effect: str) -> None:
    deciding = statement(effect, Action="oss:Put*", Sid="名")
    policies = [
        policy(statement("Deny", Action="oss:GetObject"), name="first"),
        policy(deciding, statement(effect), name="second"),
        policy(statement(), name="third"),
    ]
    decision = Decision.ALLOW if effect == "Allow" else Decision.EXPLICIT_DENY

    expected = (decision, "second", json.dumps(deciding, ensure_ascii=False))
    assert evaluate(policies, ask()) == expected
    assert evaluate_session(policies, None, ask()) == expected
    assert evaluate_session(policies, policy(statement(), name="s"), ask()) == expected
    assert evaluate_session([policy(statement(), name="role")], policies[1], ask()) == (
        expected if effect == "Deny" else (Decision.ALLOW, "role", json.dumps(statement()))
    )


def test_the_context_is_computed_once_and_only_for_a_condition() -> None:
    calls: list[str] = []

    def context() -> dict[str, str]:
        calls.append("called")
        return {"k": "v"}

    question = Question("oss:PutObject", OBJECT, context)
    guarded = statement(Condition={"StringEquals": {"k": "v"}, "StringLike": {"k": "*"}})

    assert not evaluate(
        [policy(statement(Action="x", Condition={"Bool": {"k": "true"}}))], question
    ).allowed
    assert evaluate([policy(statement())], question).allowed
    assert calls == []
    assert evaluate([policy({**guarded, "Action": "*"}, guarded)], question).allowed
    assert calls == ["called"]


def test_not_action_is_everything_else() -> None:
    all_but_put = policy(statement(NotAction=["oss:Put*"]))

    assert not evaluate([all_but_put], ask("oss:PutObject")).allowed
    assert evaluate([all_but_put], ask("oss:GetObject")).allowed


SESSIONS = [
    ("oss:*", "oss:PutObject", "oss:PutObject", True),
    ("oss:*", "oss:GetObject", "oss:PutObject", False),
    ("oss:GetObject", "oss:*", "oss:PutObject", False),
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


OBJECT_OF = "a policy is an object of Version and Statement"
LIST_OF = "Statement must be a list with at least one statement"
BROKEN = [
    ("[]", OBJECT_OF),
    ('{"Version":"1","Statement":[],"Id":"x"}', OBJECT_OF),
    ('{"Statement":[{}]}', 'Version must be the string "1"'),
    ('{"Version":1,"Statement":[]}', 'Version must be the string "1"'),
    ('{"Version":"1"}', LIST_OF),
    ('{"Version":"1","Statement":[]}', LIST_OF),
    ('{"Version":"1","Statement":{}}', LIST_OF),
    ('{"Version":"1","Statement":["x"]}', "a statement is an object"),
    ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
]
ALL: dict[str, object] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST: dict[str, object] = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"RAM": "acs:ram::1:root"},
}
ONE_ACTION = "a statement has exactly one of Action and NotAction"
ABSENT = object()


def texts(name: str) -> str:
    return f"{name} must be a string or a list of strings"


BROKEN_STATEMENTS: list[tuple[dict[str, object], str]] = [
    ({"Effect": "allow"}, "Effect must be Allow or Deny"),
    ({"Effect": ABSENT}, "Effect must be Allow or Deny"),
    ({"Action": ABSENT}, ONE_ACTION),
    ({"NotAction": "*"}, ONE_ACTION),
    ({"Action": []}, texts("Action")),
    ({"Action": [1]}, texts("Action")),
    ({"Action": ["*", 1]}, texts("Action")),
    ({"Action": {"*": "*"}}, texts("Action")),
    ({"Action": ABSENT, "NotAction": []}, texts("NotAction")),
    ({"Resource": ABSENT}, texts("Resource")),
    ({"Resource": [None]}, texts("Resource")),
    ({"NotResource": "*"}, "a statement has no element NotResource"),
    ({"Zone": "*", "Principal": "*"}, "a statement has no element Principal"),
    ({"Condition": []}, "Condition must be an object"),
    ({"Condition": {"Like": {}}}, "there is no condition operator Like"),
    ({"Condition": {"Bool": "x"}}, "Bool must be an object of keys"),
    (
        {"Condition": {"Bool": {"a": [True, {}]}}},
        "a condition value must be a string, a number or a bool",
    ),
]
BROKEN_TRUST: list[tuple[dict[str, object], str]] = [
    ({"Resource": "*"}, "a statement has no element Resource"),
    ({"Action": ABSENT, "NotAction": "*"}, "a statement has no element NotAction"),
    ({"Action": ABSENT}, ONE_ACTION),
    ({"Action": []}, texts("Action")),
    ({"Principal": ABSENT}, "Principal must be an object of RAM, Service or Federated"),
    ({"Principal": "*"}, "Principal must be an object of RAM, Service or Federated"),
    ({"Principal": {"AWS": "1"}}, "Principal must be an object of RAM, Service or Federated"),
    ({"Principal": {"RAM": 1}}, texts("RAM")),
    ({"Principal": {"RAM": "a", "Service": []}}, texts("Service")),
]


def changed(base: dict[str, object], change: dict[str, object]) -> str:
    """Return a policy of a valid statement, and of one with changed elements."""
    other = {name: value for name, value in {**base, **change}.items() if value is not ABSENT}
    return json.dumps({"Version": "1", "Statement": [base, other]})


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        *((parse_policy, text, message) for text, message in BROKEN),
        *((parse_trust_policy, text, message) for text, message in BROKEN),
        *((parse_policy, changed(ALL, change), message) for change, message in BROKEN_STATEMENTS),
        *(
            (parse_trust_policy, changed(TRUST, change), message)
            for change, message in BROKEN_TRUST
        ),
    ],
)
def test_the_error_of_a_policy_names_the_rule_or_the_element(
    parse: Callable[[str, str], Policy], text: str, message: str
) -> None:
    with pytest.raises(PolicyError) as error:
        parse(text, "p")

    assert str(error.value) == message


def test_a_policy_that_cannot_be_written_as_json_again_is_an_error() -> None:
    with pytest.raises(PolicyError, match=r"^not JSON: "):
        parse_policy(changed(ALL, {"Sid": "\ud800"}), "p")


def test_the_values_of_a_condition_are_texts() -> None:
    element = {"StringLike": {"b": ["x*", "名"]}, "Bool": {"a": True, "c": [False, 1, 2.5]}}

    assert parse_conditions(element) == (
        Condition("StringLike", "b", ("x*", "名")),
        Condition("Bool", "a", ("true",)),
        Condition("Bool", "c", ("false", "1", "2.5")),
    )
    assert parse_conditions({}) == ()


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


KINDS = {"Service": "oss.aliyuncs.com", "RAM": ["a", "b"], "Federated": "f"}
EXTERNAL = {"StringEquals": {"sts:ExternalId": "x"}}


@pytest.mark.parametrize(
    ("elements", "principals", "values", "trusted"),
    [
        ({"Principal": {"RAM": ["acs:ram::1:user/a"]}}, [("RAM", "acs:ram::1:user/a")], {}, True),
        ({"Principal": {"RAM": ["acs:ram::1:user/a"]}}, [("RAM", "acs:ram::1:user/b")], {}, False),
        ({"Principal": {"RAM": ["a"]}}, [("Service", "a")], {}, False),
        ({"Principal": KINDS}, [("Service", "oss.aliyuncs.com")], {}, True),
        ({"Principal": KINDS}, [("RAM", "b")], {}, True),
        ({"Principal": KINDS}, [("Federated", "f")], {}, True),
        ({"Principal": KINDS}, [("RAM", "oss.aliyuncs.com"), ("Federated", "b")], {}, False),
        ({"Principal": KINDS}, [], {}, False),
        ({"Condition": EXTERNAL}, [("RAM", "acs:ram::1:root")], {"sts:ExternalId": "x"}, True),
        ({"Condition": EXTERNAL}, [("RAM", "acs:ram::1:root")], {}, False),
    ],
)
def test_a_trust_policy_names_who_may_assume_the_role_and_how(
    elements: dict[str, object],
    principals: list[tuple[str, str]],
    values: dict[str, str],
    trusted: bool,
) -> None:
    assert trusts(trust(**elements), principals, values) is trusted


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
