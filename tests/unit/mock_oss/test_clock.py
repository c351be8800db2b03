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


def test_reset_shows_again_what_the_clock_began_with() -> None:
    moved, frozen, real = Clock(), Clock(START, frozen=True), Clock()
    for clock in (moved, frozen):
        clock.advance(-3600)
        clock.unfreeze()

        clock.reset()

    assert frozen.now() == START
    assert abs((moved.now() - real.now()).total_seconds()) < 1


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 3, 14))  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize("seconds", [1e99, 1e12, -1e12, float("nan"), float("inf")])
def test_a_step_out_of_the_calendar_is_refused_and_changes_nothing(seconds: float) -> None:
    clock = Clock()
    clock.freeze()
    before = clock.timestamp()

    with pytest.raises(ValueError, match="1971 to 9998"):
        clock.advance(seconds)

    assert clock.timestamp() == before


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_date_at_the_edge_of_the_calendar_is_refused(year: int) -> None:
    clock = Clock()

    with pytest.raises(ValueError, match="1971 to 9998"):
        clock.set(datetime(year, 1, 2, tzinfo=UTC))

    assert clock.now().year not in (1, 1970, 9999)
