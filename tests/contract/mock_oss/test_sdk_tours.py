"""The official SDKs call every operation, in every combination of signature, key and URL style.

Together they call exactly the operations that the table of `docs/mock-oss.md` lists.
"""

import re
from collections.abc import Callable, Mapping

import pytest

from contract.mock_oss import tour_ali_oss, tour_oss2, tour_others, tour_v2
from contract.mock_oss.clients import Credentials
from contract.mock_oss.matrix import CASES, Case, mock_for, operations_done
from mock_oss import MockOSS
from mock_oss.operations.routes import OPERATIONS
from support.markdown import ROOT

TOURS: Mapping[str, Callable[[MockOSS, Case, Credentials], None]] = {
    "oss2": tour_oss2.tour,
    "oss-v2": tour_v2.tour,
    "ali-oss": tour_ali_oss.tour,
    "others": tour_others.tour,
}
# Operations that the client does not have, or that `tour_others` calls in its place.
LACKS = {
    "oss2": "AssumeRole CleanRestoredObject GetCallerIdentity OptionObject PostObject",
    "oss-v2": "AssumeRole CleanRestoredObject GetCallerIdentity ListLiveChannel OptionObject"
    " PostObject",
    "ali-oss": "CleanRestoredObject CreateCnameToken DeleteBucketPublicAccessBlock DeleteBucketTags"
    " DeleteCname GetBucketPublicAccessBlock GetBucketTags GetCallerIdentity GetCnameToken"
    " ListCname OptionObject PutBucketPublicAccessBlock PutBucketTags PutCname",
}
LACKS_IN_VERSION = {("oss-v2", "v1"): "ProcessObject", ("ali-oss", "v4"): "AssumeRole"}
OTHERS = {
    "v1": "AssumeRole GetCallerIdentity OptionObject PostObject",
    "v4": "AssumeRole CleanRestoredObject GetCallerIdentity OptionObject PostObject PutObject"
    " RestoreObject",
}


def on_page() -> set[str]:
    """Return the operations that the page says the mock has."""
    section = (ROOT / "docs/mock-oss.md").read_text("utf-8").partition("\n## Operations\n")[2]
    rows = re.findall(r"^\| [^|`]+ \| (`.+) \|$", section, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


def expected(client: str, version: str) -> set[str]:
    """Return the operations that a client calls with a signature version."""
    if client == "others":
        return set(OTHERS[version].split())
    lacks = f"{LACKS[client]} {LACKS_IN_VERSION.get((client, version), '')}"
    return on_page() - set(lacks.split())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("client", TOURS)
def test_a_client_calls_every_operation_that_it_has(client: str, case: Case) -> None:
    with mock_for(case) as (oss, credentials):
        TOURS[client](oss, case, credentials)

        assert operations_done(oss) == expected(client, case.version)


def test_the_page_has_each_operation_and_a_client_has_called_it() -> None:
    called = {name for client in TOURS for version in OTHERS for name in expected(client, version)}
    implemented = {operation.name for operation in OPERATIONS}

    assert called == on_page()
    assert implemented <= called
