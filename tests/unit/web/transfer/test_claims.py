"""A claim about checks has a form that our server accepts, whatever the checks said."""

import json

import pytest

from ossferry_uploader.transfer.checks.claims import short_claim

VERSION = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def ran(check="has_our_columns", outcome="passed", says="", **more):
    return dict(more, check=check, outcome=outcome, says=says)


def claim(*entries, version=VERSION):
    return {"version": version, "ran": list(entries)}


@pytest.mark.parametrize("checks", [None, {}, claim()], ids=["none", "empty", "nothing ran"])
def test_if_no_check_ran_there_is_no_claim(checks):
    assert short_claim(checks) is None


def test_a_claim_is_sent_as_it_is_without_other_fields():
    checks = claim(ran(says="数据有 7 列。", seconds=0.5), ran("b", "changed"), version="")

    expected = claim(ran(says="数据有 7 列。"), ran("b", "changed"), version="")
    assert short_claim(checks) == expected


def test_long_texts_are_cut():
    checks = claim(ran("n" * 101, "rejected", "s" * 501), ran("n" * 100, "rejected", "s" * 500))

    first, second = short_claim(checks)["ran"]

    assert first == ran("n" * 99 + "…", "rejected", "s" * 499 + "…")
    assert second == checks["ran"][1]


def test_what_no_database_can_store_is_replaced():
    checks = claim(ran("a\0b", says="c" + chr(0) + "d"))

    assert short_claim(checks)["ran"] == [ran("a\ufffdb", says="c\ufffdd")]


@pytest.mark.parametrize(
    "char", ["a", "é", "列", "\U0001f600", '"'], ids=["a", "é", "column", "face", "quote"]
)
def test_many_long_sentences_fit_and_every_check_is_named(char):
    checks = claim(*[ran(f"{number:02}{char * 98}", "asks", char * 500) for number in range(60)])

    found = short_claim(checks)

    assert len(json.dumps(found).encode()) <= 8000
    assert [each["check"][:2] for each in found["ran"]] == [f"{n:02}" for n in range(50)]
    assert {each["outcome"] for each in found["ran"]} == {"asks"}
    assert "" not in [each["says"] for each in found["ran"]]
