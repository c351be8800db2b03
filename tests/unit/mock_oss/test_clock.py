"""The mock's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from mock_oss.clock import Clock

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = Clock(START, frozen=True)

    clock.advance(60)
    clock.advance(timedelta(hours=1))
    clock.advance(-1)

    assert clock.now() == START + timedelta(hours=1, seconds=59)


def test_a_running_clock_goes_on_from_what_it_was_set_to() -> None:
    clock = Clock(START)

    assert START <= clock.now() < START + timedelta(minutes=1)


def test_unfreezing_goes_on_from_the_frozen_time() -> None:
    clock = Clock(START, frozen=True)

    clock.unfreeze()

    assert START <= clock.now() < START + timedelta(minutes=1)


def test_reset_shows_the_real_time_again() -> None:
    clock, real = Clock(START, frozen=True), Clock()

    clock.reset()

    assert abs((clock.now() - real.now()).total_seconds()) < 1


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 3, 14))  # noqa: DTZ001 - naive on purpose
