"""Wildcard matching: correct, and fast for any pattern from a client."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_oss.policies.evaluation import Question, evaluate, parse_policy
from mock_oss.policies.globs import glob, globs

STARS = "*a" * 12 + "*b"
AS = "a" * 60


@pytest.fixture(autouse=True)
def _compile_again() -> None:
    """Remove the patterns that other tests have compiled."""
    glob.cache_clear()


def simple(wildcard: str, text: str) -> bool:
    """Match a wildcard with a reference implementation that tracks all reachable positions."""
    reached = {0}
    for char in wildcard:
        if char == "*":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {i + 1 for i in reached if i < len(text) and char in ("?", text[i])}
    return len(text) in reached


@given(st.text("ab*?\n", max_size=8), st.text("ab\n*", max_size=8))
def test_a_wildcard_matches_what_it_says(wildcard: str, text: str) -> None:
    assert (glob(wildcard).fullmatch(text) is not None) is simple(wildcard, text)


@given(st.lists(st.text("ab*?\n", max_size=5), min_size=1, max_size=3), st.text("ab\n", max_size=6))
@example(["a*"], "a\n")
def test_of_several_wildcards_one_is_enough(wildcards: list[str], text: str) -> None:
    assert (globs(wildcards).fullmatch(text) is not None) is any(
        simple(wildcard, text) for wildcard in wildcards
    )


@pytest.mark.parametrize("special", list(r"[]{}()\.^$+|-#& "), ids=ascii)
def test_every_other_character_means_itself(special: str) -> None:
    assert glob(f"a{special}*").fullmatch(f"a{special}b")
    assert not glob(f"a{special}").fullmatch("ax")


@pytest.mark.timeout(20)  # a backtracking implementation would take years
@pytest.mark.parametrize(
    ("wildcard", "text"),
    [(STARS, AS), ("uploads/*/*/*/*.jpg", "uploads/" + "/" * 1000), ("*?" * 500 + "b", "a" * 1023)],
    ids=["stars", "slashes", "questions"],
)
def test_no_wildcard_takes_long(wildcard: str, text: str) -> None:
    allow = {"Effect": "Allow", "Action": wildcard, "Resource": wildcard}
    like = {"StringLike": {"k": wildcard}}
    for statement in (
        {**allow, "Action": "*"},
        {**allow, "Resource": "*"},
        {**allow, "Action": "*", "Resource": "*", "Condition": like},
    ):
        policy = parse_policy(json.dumps({"Version": "1", "Statement": [statement]}), "p")
        assert not evaluate([policy], Question(text, text, {"k": text})).allowed
