"""The official SDKs call every operation, in every combination of signature, key and URL style.

The successful operations must be exactly those in the table of `docs/mock-oss.md`, which
`operation_table` generates from the same tours.
"""

import pytest

from contract.mock_oss.matrix import CASES, Case, mock_for, operations_done
from contract.mock_oss.operation_table import TOURS, told


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("client", TOURS)
def test_a_client_does_what_the_page_says(client: str, case: Case) -> None:
    with mock_for(case) as (oss, credentials):
        TOURS[client](oss, case, credentials)

        assert operations_done(oss) == told(client, case.version)
