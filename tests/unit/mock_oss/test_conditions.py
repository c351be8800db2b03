"""Ranges and conditional headers."""

import pytest

from mock_oss.http.request import parse_range
from mock_oss.operations.downloads import check_conditions
from mock_oss.store.records import ObjectRecord
from support.refusals import refusal

NOON_MS = 1_773_489_600_000  # 2026-03-14T12:00:00Z
EARLIER, LATER = "Sat, 14 Mar 2026 11:00:00 GMT", "Sat, 14 Mar 2026 13:00:00 GMT"
SAME = "Sat, 14 Mar 2026 12:00:00 GMT"
OBJECT = ObjectRecord("b", "k", size=10, etag="ABC", modified_ms=NOON_MS)


@pytest.mark.parametrize(
    ("text", "plain", "standard"),
    [
        ("bytes=0-3", (0, 4), (0, 4)),
        ("bytes=4-", (4, 6), (4, 6)),
        ("bytes=-3", (7, 3), (7, 3)),
        ("bytes=0-9", (0, 10), (0, 10)),
        ("bytes=0-10", None, (0, 10)),
        ("bytes=-11", None, (0, 10)),
        ("bytes=5-4", None, None),
        ("bytes=-", None, None),
        ("bytes=a-b", None, None),
        ("items=0-3", None, None),
        ("bytes=0-1,3-4", None, None),
        ("bytes=99999999999999999999999-", None, None),
    ],
)
def test_a_range_is_taken_whole_or_not_at_all(
    text: str, plain: tuple[int, int] | None, standard: tuple[int, int] | None
) -> None:
    strict = {"range": text, "x-oss-range-behavior": "standard"}

    assert parse_range({"range": text}, 10) == plain
    assert parse_range(strict, 10) == standard


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_past_the_end_is_refused_in_standard_behaviour_only(text: str) -> None:
    refused = refusal(parse_range, {"range": text, "x-oss-range-behavior": "standard"}, 10)

    assert parse_range({"range": text}, 10) is None
    assert (refused["Code"], refused["status"]) == ("InvalidRange", 416)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("if-match", '"ABC"', None),
        ("if-match", '"X", "ABC"', None),
        ("if-match", "*", None),
        ("if-match", '"X"', 412),
        ("if-none-match", '"ABC"', 304),
        ("if-none-match", '"X"', None),
        ("if-modified-since", EARLIER, None),
        ("if-modified-since", SAME, 304),
        ("if-modified-since", LATER, 304),
        ("if-modified-since", "yesterday", None),
        ("if-unmodified-since", EARLIER, 412),
        ("if-unmodified-since", SAME, None),
    ],
)
def test_conditions_decide_the_status(header: str, value: str, status: int | None) -> None:
    if status is None:
        check_conditions({header: value}, OBJECT)
        return
    assert refusal(check_conditions, {header: value}, OBJECT)["status"] == status


def test_a_copy_of_a_part_answers_412_for_every_condition() -> None:
    source = {"prefix": "x-oss-copy-source-", "copying": True}
    headers = {"x-oss-copy-source-if-none-match": '"ABC"'}

    assert refusal(check_conditions, headers, OBJECT, **source)["status"] == 412
