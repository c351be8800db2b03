"""The number of requests in flight: it follows the completed requests or bytes per second."""

from uploader.transfer.pacing.request_count import (
    AGAIN,
    SMALL_LEAST,
    SMALL_MOST,
    large_requests,
    small_requests,
)
from uploader.transfer.plan import CONNECTIONS, MIB


class Line:
    """A line that completes small requests; `lanes` of them at a time, each in `rtt_s`."""

    def __init__(self, lanes, *, rtt_s=0.2, most_per_s=10_000.0):
        self.lanes = lanes
        self.rtt_s = rtt_s
        self.most_per_s = most_per_s
        self.now_s = 0.0
        self.small = small_requests(lambda: self.now_s)
        self.tried = [self.small.allowed]

    def complete(self, requests, *, is_busy=True):
        for _ in range(requests):
            per_s = min(self.lanes, self.small.allowed) / self.rtt_s
            self.now_s += 1 / min(per_s, self.most_per_s)
            self.small.completed(is_busy=is_busy)
            if self.small.allowed != self.tried[-1]:
                self.tried.append(self.small.allowed)
        return self.small.allowed


def test_over_http_2_the_number_grows_to_the_largest_within_300_files():
    line = Line(1_000)

    assert line.complete(300) == SMALL_MOST
    assert line.tried == [12, 24, 48, 96]


def test_over_http_1_a_doubling_is_tried_and_undone():
    line = Line(6)
    line.complete(300)

    assert line.tried == [SMALL_LEAST, 2 * SMALL_LEAST, SMALL_LEAST]


def test_three_hosts_are_filled_and_no_more():
    line = Line(18)
    line.complete(300)

    assert line.tried == [12, 24, 48, 24]


def test_a_full_line_is_not_given_more():
    line = Line(1_000, most_per_s=140.0)
    line.complete(400)

    assert line.tried == [12, 24, 48, 24]


def test_a_growth_of_less_than_a_quarter_is_no_growth():
    line = Line(14)
    line.complete(300)

    assert line.tried == [12, 24, 12]


def test_after_a_while_a_larger_number_is_tried_again():
    line = Line(6)
    line.complete(100)
    line.lanes = 1_000
    assert line.complete(2 * SMALL_LEAST * (AGAIN - 3)) == SMALL_LEAST
    line.complete(400)

    assert line.small.allowed == SMALL_MOST


def test_without_enough_requests_nothing_is_measured():
    line = Line(1_000)
    for _ in range(20):
        line.complete(2 * SMALL_LEAST - 1)
        line.complete(1, is_busy=False)

    assert line.tried == [SMALL_LEAST]


def test_an_idle_time_is_not_counted():
    line = Line(1_000)
    line.complete(SMALL_LEAST + 3)
    line.now_s += 60
    line.complete(1, is_busy=False)
    line.complete(2 * SMALL_LEAST)  # until the number is doubled
    line.complete(2 * 2 * SMALL_LEAST)

    assert line.tried == [12, 24, 48]


def test_a_reset_starts_again_with_the_smallest_number():
    line = Line(1_000)
    line.complete(300)
    line.small.reset()
    assert line.small.allowed == SMALL_LEAST

    assert line.complete(300) == SMALL_MOST


def test_a_clock_that_stands_still_is_no_error():
    small = small_requests(lambda: 5.0)
    for _ in range(300):
        small.completed(is_busy=True)

    assert SMALL_LEAST <= small.allowed <= SMALL_MOST


class LargeLine:
    """A line that carries `bytes_per_s`, of which one connection can use `one_per_s`."""

    def __init__(self, hosts, *, bytes_per_s, one_per_s):
        self.bytes_per_s = bytes_per_s
        self.one_per_s = one_per_s
        self.now_s = 0.0
        self.large = large_requests(lambda: self.now_s)
        self.large.limit(hosts * CONNECTIONS)
        self.tried = [self.large.allowed]

    def complete(self, parts):
        for number in range(parts):
            size = (1 + number % 3) * MIB
            self.now_s += size / min(self.bytes_per_s, self.large.allowed * self.one_per_s)
            self.large.completed(size, is_busy=True)
            if self.large.allowed != self.tried[-1]:
                self.tried.append(self.large.allowed)
        return self.tried


def test_large_requests_use_one_host_if_there_is_one():
    assert LargeLine(1, bytes_per_s=100e6, one_per_s=1e6).complete(500) == [6]


def test_large_requests_use_a_second_host_while_the_line_is_not_full():
    assert LargeLine(2, bytes_per_s=100e6, one_per_s=1e6).complete(500) == [6, 12]
    assert LargeLine(3, bytes_per_s=100e6, one_per_s=1e6).complete(500) == [6, 12, 18]


def test_large_requests_use_no_second_host_if_the_line_is_full():
    line = LargeLine(2, bytes_per_s=6e6, one_per_s=1e6)

    assert line.complete(2 * 6 + 2 * 12) == [6, 12, 6]
    assert line.complete(6 * AGAIN) == [6, 12, 6]


def test_the_number_before_a_doubling_comes_back_although_the_largest_is_no_double():
    assert LargeLine(3, bytes_per_s=12e6, one_per_s=1e6).complete(150) == [6, 12, 18, 12]


def test_a_host_that_is_known_later_is_tried_at_once():
    line = LargeLine(1, bytes_per_s=100e6, one_per_s=1e6)
    line.complete(30)

    line.large.limit(2 * CONNECTIONS)

    assert line.complete(2 * CONNECTIONS) == [6, 12]


def test_with_fewer_hosts_the_number_starts_again():
    line = LargeLine(3, bytes_per_s=100e6, one_per_s=1e6)
    line.complete(500)

    line.large.limit(2 * CONNECTIONS)
    assert line.large.allowed == CONNECTIONS
    line.complete(50)
    assert line.large.allowed == 2 * CONNECTIONS
    line.large.limit(3 * CONNECTIONS)

    assert line.large.allowed == 2 * CONNECTIONS
