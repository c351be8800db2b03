"""Runs every attempt of the catalogue; each must be refused."""

import pytest

from attacks.catalogue import CATALOGUE
from attacks.worlds import Worlds

ROWS = """
    T01 T02 T03 T04 T05 T07 T08 T09 T10 T12 T14 T15 T16 T17 T18 T19 T20 T21 T22 T23 T28 T29 T30 T31
    T32 T38 T39 T40 T41 T45 T47 T49 T50
""".split()  # noqa: SIM905 - a table, not code
"""Threats with attempts in the catalogue; the others have tests named after them."""


@pytest.mark.parametrize("id_", CATALOGUE)
def test_an_attempt_gets_nothing(worlds: Worlds, id_: str) -> None:
    attempt = CATALOGUE[id_]

    assert attempt.refused(worlds), attempt.what


def test_there_are_enough_attempts_and_each_row_has_some() -> None:
    assert len(CATALOGUE) >= 250
    assert sorted({attempt.row for attempt in CATALOGUE.values()}) == ROWS
    assert len({(attempt.row, attempt.what) for attempt in CATALOGUE.values()}) == len(CATALOGUE)
