"""The number of small requests in flight: it follows the completed requests per second."""

import pytest

from ossferry_uploader.transfer.pacing.small_requests import AGAIN, LEAST, MOST, SmallRequests


class Line:
    """A line that completes small requests; `lanes` of them at a time, each in `rtt_s`."""

    def __init__(self, lanes, *, rtt_s=0.2, most_per_s=10_000.0):
        self.lanes = lanes
        self.rtt_s = rtt_s
        self.most_per_s = most_per_s
        self.now_s = 0.0
        self.small = SmallRequests(lambda: self.now_s)
        self.tried = [self.small.allowed]

    def complete(self, requests, *, is_busy=True):
        for _ in range(requests):
            per_s = min(self.lanes, self.small.allowed) / self.rtt_s
            self.now_s += 1 / min(per_s, self.most_per_s)
            self.small.completed(is_busy=is_busy)
            if self.small.allowed != self.tried[-1]:
                self.tried.append(self.small.allowed)
        return self.small.allowed


@pytest.mark.parametrize(
    ("line", "requests", "tried"),
    [
        (Line(1_000), 300, [12, 24, 48, MOST]),
        (Line(6), 300, [LEAST, 2 * LEAST, LEAST]),
        (Line(18), 300, [12, 24, 48, 24]),
        (Line(1_000, most_per_s=140.0), 400, [12, 24, 48, 24]),
        (Line(14), 300, [12, 24, 12]),
    ],
    ids=["HTTP/2", "HTTP/1", "three hosts", "a full line", "a growth of less than a quarter"],
)
def test_the_number_is_doubled_while_the_rate_grows(line, requests, tried):
    line.complete(requests)

    assert line.tried == tried


def test_after_a_while_a_larger_number_is_tried_again():
    line = Line(6)
    line.complete(100)
    line.lanes = 1_000
    assert line.complete(2 * LEAST * (AGAIN - 3)) == LEAST
    line.complete(400)

    assert line.small.allowed == MOST


def test_without_enough_requests_nothing_is_measured():
    line = Line(1_000)
    for _ in range(20):
        line.complete(2 * LEAST - 1)
        line.complete(1, is_busy=False)

    assert line.tried == [LEAST]


def test_an_idle_time_is_not_counted():
    line = Line(1_000)
    line.complete(LEAST + 3)
    line.now_s += 60
    line.complete(1, is_busy=False)
    line.complete(2 * LEAST)  # until the number is doubled
    line.complete(2 * 2 * LEAST)

    assert line.tried == [12, 24, 48]


def test_a_reset_starts_again_with_the_smallest_number():
    line = Line(1_000)
    line.complete(300)
    line.small.reset()
    assert line.small.allowed == LEAST

    assert line.complete(300) == MOST


def test_a_clock_that_stands_still_is_no_error():
    small = SmallRequests(lambda: 5.0)
    for _ in range(300):
        small.completed(is_busy=True)

    assert LEAST <= small.allowed <= MOST
