"""The meter: a smoothed rate, and no remaining time without a good estimate."""

from ossferry_uploader.transfer.pacing.meter import Meter


def run(steps):
    meter = Meter()
    for now_s, sent in steps:
        meter.note(now_s, sent)
    return meter


def test_a_steady_flow_has_its_rate():
    meter = run([(second, second * 100) for second in range(20)])

    assert round(meter.rate_bytes_per_s) == 100
    assert round(meter.left_s(1000)) == 10


def test_nobody_can_say_at_the_beginning_or_for_more_than_a_week():
    assert run([(0, 0)]).left_s(1000) is None
    assert run([(0, 0), (1, 100)]).left_s(1000) is None
    assert run([(0, 0), (1, 100), (2, 200)]).left_s(1000) == 10
    assert run([(0, 0), (1, 1), (2, 2)]).left_s(10**7) is None


def test_one_pause_does_not_make_the_guess_jump():
    meter = run([(0, 0), (1, 100), (2, 200), (3, 300), (4, 300)])

    assert 70 < meter.rate_bytes_per_s < 100


def test_looks_in_quick_succession_are_taken_together():
    meter = run([(0, 0), (0.1, 1000), (0.2, 1000), (1, 1000)])

    assert round(meter.rate_bytes_per_s) == 1000


def test_a_clock_set_back_and_a_count_that_starts_again_do_no_harm():
    meter = run([(10, 0), (11, 100), (5, 200), (6, 300), (7, 0), (8, 100)])

    assert round(meter.rate_bytes_per_s) == 100
