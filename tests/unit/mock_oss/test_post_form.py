"""Policies of PostObject forms: the expiration, the grammar, and conditions on fields and sizes."""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import pytest

from mock_oss.policies.post_form import (
    FieldCondition,
    PostPolicy,
    check_fields,
    check_length,
    parse_post_policy,
)
from support.refusals import refusal

EXPIRATION = "2026-03-14T10:26:53.000Z"
AT_EXPIRATION = datetime.fromisoformat(EXPIRATION)
ONE_MS = timedelta(milliseconds=1)
DEFAULT_EC = "0007-00000113"


def encoded(document: object) -> str:
    return b64encode(json.dumps(document).encode()).decode()


def policy(expiration: object = EXPIRATION, conditions: object = ()) -> str:
    return encoded({"expiration": expiration, "conditions": conditions})


def refused(
    status: int, code: str, message: str, ec: str, why: object, **extras: object
) -> dict[str, object]:
    told = {"status": status, "Code": code, "Message": message, "EC": ec}
    return {**told, **extras, "why": why}


def invalid(cause: str, ec: str) -> dict[str, object]:
    """Return the refusal of a policy document that is not valid."""
    why = {"kind": "form policy", "cause": cause}
    return refused(400, "InvalidPolicyDocument", f"Invalid Policy: {cause}.", ec, why)


def failed(statement: str, field: str | None) -> dict[str, object]:
    """Return the refusal of a form with a field that does not satisfy a condition."""
    message = f"Invalid according to Policy: Policy Condition failed: {statement}"
    why = {"kind": "form policy", "statement": statement, "field": field}
    return refused(403, "AccessDenied", message, "0006-00000227", why)


@pytest.mark.parametrize("early", [timedelta(seconds=1), ONE_MS, timedelta(0)], ids=str)
def test_a_policy_is_valid_up_to_its_expiration(early: timedelta) -> None:
    check_fields(parse_post_policy(policy()), {}, AT_EXPIRATION - early)


@pytest.mark.parametrize("late", [ONE_MS, timedelta(seconds=1), timedelta(days=400)], ids=str)
def test_a_policy_is_not_valid_after_its_expiration(late: timedelta) -> None:
    parsed = parse_post_policy(policy())

    assert refusal(check_fields, parsed, {}, AT_EXPIRATION + late) == refused(
        403,
        "AccessDenied",
        "Invalid according to Policy: Policy expired.",
        "0006-00000213",
        {"kind": "clock", "expired_at": "2026-03-14T10:26:53+00:00"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T10:26:53Z",
        "2026-03-14T10:26:53.0Z",
        "2026-03-14T10:26:53.000Z",
        "2026-03-14T10:26:53.000000000Z",
    ],
)
def test_an_expiration_may_have_a_fraction_of_a_second(text: str) -> None:
    assert parse_post_policy(policy(text)).expiration == AT_EXPIRATION


LONG = "名" * 300
CONDITIONS_AT_FAULT = [
    # a condition, and its text in the message, up to 200 characters
    *(
        (condition, json.dumps(condition))
        for condition in (
            *([], {}, None, "eq", {"key": 1}, {"key": "a", "acl": ["b"]}),
            ["eq", "$key"],
            ["eq", "$key", "a", "b"],
            ["eq", "key", "a"],
            ["like", "$key", "a"],
            ["EQ", "$key", "a"],
            ["eq", "$key", 1],
            ["eq", "$key", ["a"]],
            ["starts-with", "$key", ["a"]],
            ["in", "$key", "a"],
            ["in", "$key", ["a", 1]],
            ["not-in", "$key", "a"],
            [1, "$key", "a"],
            ["eq", 1, "a"],
        )
    ),
    ({LONG: 1}, '{"' + "名" * 198),
]
LENGTHS_AT_FAULT: list[Any] = [
    *([], [1], [1, 2, 3], [-1, 2], [3, 2], [1.5, 2], [1, 2.5]),
    *(["1", 2], [1, "2"], [None, 2], [False, 2], [0, True]),
]


def expiration_is(problem: str, ec: str, *values: object) -> list[tuple[str, str, str]]:
    return [(policy(value), f"its expiration is {problem}", ec) for value in values]


NO_OBJECTS: list[object] = [[], "x"]
NO_LISTS: list[object] = [{}, "[]"]
NOT_BASE64 = "it is not base64 of JSON"
UNREADABLE = [
    # the text of the policy, the cause and the EC
    *expiration_is("not a string", "0006-00000210", 123, None, [EXPIRATION]),
    *expiration_is("empty", "0006-00000211", ""),
    *expiration_is(
        f"not like {EXPIRATION}",
        "0006-00000212",
        "soon",
        "2026-03-14",
        "2026-03-14 10:26:53Z",
        "2026-03-14T10:26:53",
        "2026-03-14T18:26:53+08:00",
        "2026-03-14t10:26:53z",
        "2026-02-30T10:26:53Z",
        "2026-03-14T24:26:53Z",
        "2026-03-14T10:26:53Z\n",
        "２０２６-03-14T10:26:53Z",  # noqa: RUF001 - digits that are not ASCII
    ),
    (encoded({}), "it has no expiration and no conditions", "0006-00000209"),
    (encoded({"conditions": []}), "it has no expiration", "0006-00000208"),
    (encoded({"expiration": EXPIRATION}), "it has no conditions", "0006-00000207"),
    *(
        (text, NOT_BASE64, DEFAULT_EC)
        for text in ("", "!", "e30", policy() + "\n", b64encode(b'{"expiration": NaN}').decode())
    ),
    *(
        (text, NOT_BASE64, DEFAULT_EC)
        for text in (
            policy(conditions=[["eq", "$key", "\ud800"]]),
            policy(conditions=[{"\ud800": "a"}]),
            b64encode(b"[" * 100_000).decode(),
        )
    ),
    *((encoded(document), "it is not an object", DEFAULT_EC) for document in NO_OBJECTS),
    *(
        (policy(conditions=wrong), "its conditions are not a list", DEFAULT_EC)
        for wrong in NO_LISTS
    ),
    *(
        (policy(conditions=[condition]), f"a condition cannot be read: {text}", DEFAULT_EC)
        for condition, text in CONDITIONS_AT_FAULT
    ),
    *(
        (
            policy(conditions=[["content-length-range", *bounds]]),
            "content-length-range needs two numbers",
            DEFAULT_EC,
        )
        for bounds in LENGTHS_AT_FAULT
    ),
]


@pytest.mark.parametrize(
    ("text", "cause", "ec"),
    [
        pytest.param(*row, id=f"{number} {row[1][:40]!a}")
        for number, row in enumerate(UNREADABLE, 1)
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_with_the_cause(
    text: str, cause: str, ec: str
) -> None:
    assert refusal(parse_post_policy, text) == invalid(cause, ec)


def test_a_policy_keeps_every_condition_as_it_was_written() -> None:
    parsed = parse_post_policy(
        policy(
            conditions=[
                {"Bucket": "\\$b", "KEY": "名"},
                ["content-length-range", 0, 0],
                ["starts-with", "$X-OSS-Meta-A", "\\$\\$"],
                ["not-in", "$Content-Type", ["a/\\$", "b/c"]],
                ["content-length-range", 3, 3],
            ]
        )
    )

    assert parsed == PostPolicy(
        expiration=AT_EXPIRATION,
        conditions=(
            FieldCondition("eq", "bucket", ("$b",), '{"Bucket": "\\\\$b"}'),
            FieldCondition("eq", "key", ("名",), '{"KEY": "名"}'),
            FieldCondition(
                "starts-with",
                "x-oss-meta-a",
                ("$$",),
                r'["starts-with", "$X-OSS-Meta-A", "\\$\\$"]',
            ),
            FieldCondition(
                "not-in",
                "content-type",
                ("a/$", "b/c"),
                r'["not-in", "$Content-Type", ["a/\\$", "b/c"]]',
            ),
        ),
        lengths=((0, 0), (3, 3)),
    )
    assert parsed.names() == {"bucket", "key", "x-oss-meta-a", "content-type"}


CONDITIONS = [
    # condition, value of the field, whether the condition holds
    ({"key": "a"}, "a", True),
    ({"key": "a"}, "ab", False),
    (["eq", "$Key", "a"], "a", True),
    (["eq", "$key", "a"], "", False),
    (["eq", "$key", ""], "", True),
    (["eq", "$key", ""], None, False),
    (["eq", "$key", "\\$a"], "$a", True),
    (["starts-with", "$key", "a"], "ab", True),
    (["starts-with", "$key", ""], "", True),
    (["starts-with", "$key", ""], None, False),
    (["in", "$key", ["a", "b"]], "b", True),
    (["in", "$key", ["a", "b"]], "c", False),
    (["in", "$key", ["a"]], None, False),
    (["not-in", "$key", ["a", "b"]], "b", False),
    (["not-in", "$key", ["a", "b"]], "c", True),
    (["not-in", "$key", ["a"]], None, True),
]


@pytest.mark.parametrize(("condition", "value", "holds"), CONDITIONS, ids=str)
def test_a_condition_compares_the_value_of_a_field(
    condition: object, value: str | None, holds: bool
) -> None:
    parsed = parse_post_policy(policy(conditions=[condition]))
    fields = {} if value is None else {"key": value}

    if holds:
        check_fields(parsed, fields, AT_EXPIRATION)
        return
    assert refusal(check_fields, parsed, fields, AT_EXPIRATION) == failed(
        json.dumps(condition), value
    )


@pytest.mark.parametrize(
    ("name", "statement"), [("a", '{"a": "1"}'), ("b", '{"b": "2"}'), ("c", '["eq", "$c", "3"]')]
)
def test_every_condition_must_hold(name: str, statement: str) -> None:
    parsed = parse_post_policy(policy(conditions=[{"a": "1", "b": "2"}, ["eq", "$c", "3"]]))
    fields = {"a": "1", "b": "2", "c": "3"}

    check_fields(parsed, fields, AT_EXPIRATION)
    for actual in ("x", None):
        other = {n: v for n, v in {**fields, name: actual}.items() if v is not None}
        assert refusal(check_fields, parsed, other, AT_EXPIRATION) == failed(statement, actual)


RANGE = '["content-length-range", 5, 7]'
WHY = {"kind": "form policy", "statement": RANGE}
TOO_SMALL = refused(
    400,
    "EntityTooSmall",
    "Your proposed upload smaller than the minimum allowed size.",
    "0042-00000213",
    {**WHY, "field": "4"},
    ProposedSize=4,
    MinSizeAllowed=5,
)
TOO_LARGE = refused(
    400,
    "EntityTooLarge",
    "Your proposed upload exceeds the maximum allowed size.",
    "0016-00000601",
    {**WHY, "field": "8"},
    ProposedSize=8,
    MaxSizeAllowed=7,
)


@pytest.mark.parametrize("size", [5, 6, 7])
def test_the_bounds_of_a_length_range_are_allowed(size: int) -> None:
    check_length(parse_post_policy(policy(conditions=[json.loads(RANGE)])), size)


@pytest.mark.parametrize(("size", "expected"), [(4, TOO_SMALL), (8, TOO_LARGE)])
def test_a_size_must_be_in_every_length_range(size: int, expected: dict[str, object]) -> None:
    wide = ["content-length-range", 0, 100]
    parsed = parse_post_policy(policy(conditions=[wide, json.loads(RANGE), wide]))

    assert refusal(check_length, parsed, size) == expected
