"""Claims: the page's reports about the checks that it ran in the browser before an upload.

A client can lie, and the server cannot verify a claim. The server checks only the format, and
stores the claim in the receipt. For proof, run the same checks with `ossferry check`.
"""

import json
from typing import Annotated, TypeAlias, cast

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from ossferry.http.body import Text
from ossferry.ledger.receipts import Claim, Outcome

MAX_CHECKS = 50
MAX_BYTES = 8000
"""The longest claim, as JSON in UTF-8. With its claim, a report fits into a body of 16 KB."""


class RanCheck(TypedDict):
    """The result of one check in the browser, as reported by the page.

    Attributes:
        check: the name of the check.
        outcome: one of these words.
            `passed`: the check had no objection.
            `noted`: the check added metadata to the upload.
            `changed`: the check changed the file.
            `undone`: the check changed the file, and the person who uploads it chose the original.
            `asks`: the check had a question, and the person agreed to the upload.
            `rejected`: the check rejected the file.
            `error`: the check did not work.
        says: the message of the check, in the language of this person; may be empty.
    """

    check: Annotated[Text, Field(min_length=1, max_length=100)]
    outcome: Outcome
    says: Annotated[Text, Field(max_length=500)]


class CheckClaim(TypedDict):
    """The page's claim that it ran these checks in the browser, which the server cannot verify.

    Attributes:
        version: the hash of the operator's file `checks.py`; empty if only built-in checks ran.
        ran: the checks, in the order in which they ran.
    """

    version: Annotated[str, Field(pattern="^(sha256-[A-Za-z0-9+/=_-]{1,100})?$")]
    ran: Annotated[list[RanCheck], Field(min_length=1, max_length=MAX_CHECKS)]


def _short(checks: CheckClaim) -> CheckClaim:
    if len(json.dumps(checks, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    return checks


ClaimedChecks: TypeAlias = Annotated[CheckClaim, AfterValidator(_short)]
"""The type of a claim in the body of a request."""


def claimed(checks: Claim | None) -> CheckClaim | None:
    """Convert the JSON of a claim, as stored in the ledger, to a `CheckClaim`; None stays None.

    Only the type changes: the JSON was validated before it was stored.
    """
    return cast("CheckClaim | None", checks)
