"""Runs every attempt of the catalogue; each must be refused."""

import pytest

from attacks.catalogue import CATALOGUE
from attacks.worlds import Worlds


@pytest.mark.parametrize("id_", CATALOGUE)
def test_an_attempt_gets_nothing(worlds: Worlds, id_: str) -> None:
    attempt = CATALOGUE[id_]

    assert attempt.refused(worlds), attempt.what


def test_there_are_enough_attempts_and_none_is_there_twice() -> None:
    assert len(CATALOGUE) >= 250
    assert len({(attempt.row, attempt.what) for attempt in CATALOGUE.values()}) == len(CATALOGUE)
