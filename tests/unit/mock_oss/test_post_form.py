"""Policies of PostObject forms: the expiration, the grammar, and conditions on fields and sizes."""

import json
from base64 import b64encode
from datetime import datetime, timedelta

import pytest

from mock_oss.errors import RefusedError
from mock_oss.policies.post_form import check_fields, check_length, parse_post_policy

EXPIRATION = "2026-03-14T10:26:53.000Z"
AT_EXPIRATION = datetime.fromisoformat(EXPIRATION)
ONE_MS = timedelta(milliseconds=1)


def encoded(document: object) -> str:
    return b64encode(json.dumps(document).encode()).decode()


def policy(expiration: object = EXPIRATION, conditions: object = ()) -> str:
    return encoded({"expiration": expiration, "conditions": conditions})


def refusal(text: str) -> tuple[str, str]:
    """Return code and EC of the refusal of a policy."""
    with pytest.raises(RefusedError) as refused:
        parse_post_policy(text)
    return refused.value.code, refused.value.ec


@pytest.mark.parametrize("early", [timedelta(seconds=1), ONE_MS, timedelta(0)], ids=str)
def test_a_policy_is_valid_up_to_its_expiration(early: timedelta) -> None:
    check_fields(parse_post_policy(policy()), {}, AT_EXPIRATION - early)


@pytest.mark.parametrize("late", [ONE_MS, timedelta(seconds=1), timedelta(days=400)], ids=str)
def test_a_policy_is_not_valid_after_its_expiration(late: timedelta) -> None:
    with pytest.raises(RefusedError) as refused:
        check_fields(parse_post_policy(policy()), {}, AT_EXPIRATION + late)

    assert (refused.value.code, refused.value.ec) == ("AccessDenied", "0006-00000213")
    assert refused.value.message == "Invalid according to Policy: Policy expired."


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


@pytest.mark.parametrize(
    ("expiration", "ec"),
    [
        (123, "0006-00000210"),
        (None, "0006-00000210"),
        ([EXPIRATION], "0006-00000210"),
        ("", "0006-00000211"),
        ("soon", "0006-00000212"),
        ("2026-03-14", "0006-00000212"),
        ("2026-03-14 10:26:53Z", "0006-00000212"),
        ("2026-03-14T10:26:53", "0006-00000212"),
        ("2026-03-14T10:26:53+00:00", "0006-00000212"),
        ("2026-03-14T18:26:53+08:00", "0006-00000212"),
        ("2026-03-14t10:26:53z", "0006-00000212"),
        ("2026-03-14T10:26Z", "0006-00000212"),
        ("20260314T102653Z", "0006-00000212"),
        ("2026-02-30T10:26:53Z", "0006-00000212"),
        ("2026-03-14T24:26:53Z", "0006-00000212"),
        ("2026-03-14T10:26:53.Z", "0006-00000212"),
        ("2026-03-14T10:26:53Z\n", "0006-00000212"),
        ("２０２６-03-14T10:26:53Z", "0006-00000212"),  # noqa: RUF001 - digits that are not ASCII
    ],
)
def test_an_expiration_in_another_format_is_refused(expiration: object, ec: str) -> None:
    assert refusal(policy(expiration)) == ("InvalidPolicyDocument", ec)


@pytest.mark.parametrize(
    ("document", "ec"),
    [
        ({}, "0006-00000209"),
        ({"conditions": []}, "0006-00000208"),
        ({"expiration": EXPIRATION}, "0006-00000207"),
    ],
    ids=["both", "expiration", "conditions"],
)
def test_a_missing_element_has_its_own_code(document: object, ec: str) -> None:
    assert refusal(encoded(document)) == ("InvalidPolicyDocument", ec)


@pytest.mark.parametrize(
    "text",
    ["", "!", "e30", encoded([]), encoded("x"), policy(conditions={}), policy() + "\n"],
    ids=["empty", "no base64", "no padding", "a list", "a text", "an object", "a line break"],
)
def test_a_text_that_is_no_policy_is_refused(text: str) -> None:
    assert refusal(text)[0] == "InvalidPolicyDocument"


CONDITIONS = [
    # condition, value of the field, whether the condition holds
    ({"key": "a"}, "a", True),
    ({"KEY": "a"}, "a", True),
    ({"key": "a"}, "A", False),
    ({"key": "a"}, "ab", False),
    (["eq", "$key", "a"], "a", True),
    (["eq", "$Key", "a"], "a", True),
    (["eq", "$key", "a"], "", False),
    (["eq", "$key", ""], "", True),
    (["eq", "$key", ""], None, False),
    (["eq", "$key", "\\$a"], "$a", True),
    (["starts-with", "$key", "a"], "ab", True),
    (["starts-with", "$key", "a"], "ba", False),
    (["starts-with", "$key", ""], "", True),
    (["starts-with", "$key", ""], None, False),
    (["in", "$key", ["a", "b"]], "b", True),
    (["in", "$key", ["a", "b"]], "c", False),
    (["in", "$key", ["a"]], None, False),
    (["in", "$key", ["ab"]], "a", False),
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
    with pytest.raises(RefusedError) as refused:
        check_fields(parsed, fields, AT_EXPIRATION)
    assert (refused.value.code, refused.value.ec) == ("AccessDenied", "0006-00000227")


def test_every_condition_must_hold() -> None:
    parsed = parse_post_policy(policy(conditions=[{"a": "1", "b": "2"}, ["eq", "$c", "3"]]))
    fields = {"a": "1", "b": "2", "c": "3"}

    check_fields(parsed, fields, AT_EXPIRATION)
    for name in fields:
        with pytest.raises(RefusedError, match="AccessDenied"):
            check_fields(parsed, {**fields, name: "x"}, AT_EXPIRATION)


@pytest.mark.parametrize(
    ("size", "code"), [(4, "EntityTooSmall"), (5, ""), (6, ""), (7, ""), (8, "EntityTooLarge")]
)
def test_the_bounds_of_a_length_range_are_allowed(size: int, code: str) -> None:
    parsed = parse_post_policy(policy(conditions=[["content-length-range", 5, 7]]))

    if not code:
        check_length(parsed, size)
        return
    with pytest.raises(RefusedError, match=code):
        check_length(parsed, size)
