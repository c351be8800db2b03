"""Texts that the operator's fields accept, before the server validates them with the model."""

import pytest

from upload_page.details.rules import cleaned, problem, stored


def field(kind="text", *, required=False, choices=(), **limits):
    return {"kind": kind, "required": required, "choices": list(choices), "limits": limits}


@pytest.mark.parametrize(
    ("asked", "text", "found"),
    [
        (field(), "", None),
        (field(required=True), "", ("details_missing", {})),
        (field(max_length=3), "abc", None),
        (field(max_length=3), "abcd", ("details_max_length", {"limit": "3"})),
        (field(min_length=2), "a", ("details_min_length", {"limit": "2"})),
        (field("integer"), "-7", None),
        (field("integer"), "7.0", ("details_number", {})),
        (field("integer"), "1_0", ("details_number", {})),
        (field("integer", ge=1), "0", ("details_ge", {"limit": "1"})),
        (field("integer", lt=9), "9", ("details_lt", {"limit": "9"})),
        (field("decimal", gt=0.5), "0,5", ("details_gt", {"limit": "0.5"})),
        (field("decimal", le=0.5), ".5", None),
        (field("decimal"), "nan", ("details_number", {})),
        (field("decimal"), "-", ("details_number", {})),
        (field("date"), "2028-02-29", None),
        (field("date"), "2026-02-29", ("details_date", {})),
        (field("date"), "2026-13-01", ("details_date", {})),
        (field("date"), "29.02.2028", ("details_date", {})),
        (field("choice", choices=["a", "b"]), "b", None),
        (field("choice", choices=["a", "b"]), "c", ("details_choice", {})),
        (field("boolean"), "true", None),
        (field("boolean"), "yes", ("details_choice", {})),
    ],
)
def test_what_a_field_accepts(asked, text, found):
    assert problem(asked, cleaned(asked, f" {text} ")) == found


@pytest.mark.parametrize(
    ("stored_as", "more"),
    [("", ""), ("tag", "tags.for_whom"), ("storage_class", "stored.storage_class")],
)
def test_where_an_answer_is_stored(stored_as, more):
    asked = {"name": "for_whom", "stored_as": stored_as}

    names = [name for name in ("field-for-whom", more) if name]
    assert stored(asked, "x") == dict.fromkeys(names, "x")
