"""The official Python SDKs through every operation, in every way they can reach the mock."""

from collections.abc import Callable

import pytest

from contract.mock_oss import tour_oss2, tour_v2
from contract.mock_oss.matrix import CASES, Case, Credentials, check, mock_for
from mock_oss import MockOSS

Tour = Callable[[MockOSS, Case, Credentials], None]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("tour", "lacks"),
    [
        pytest.param(tour_oss2.tour, tour_oss2.LACKS, id="oss2"),
        pytest.param(tour_v2.tour, tour_v2.LACKS, id="alibabacloud-oss-v2"),
    ],
)
def test_an_official_sdk_does_everything(tour: Tour, lacks: frozenset[str], case: Case) -> None:
    with mock_for(case) as (oss, credentials):
        tour(oss, case, credentials)

        check(oss, lacks=lacks)
