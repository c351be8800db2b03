"""The whole refusal of an OSS request, for comparison in one assertion."""

from collections.abc import Callable
from typing import Any

import pytest

from mock_oss.errors import RefusedError


def refusal(call: Callable[..., object], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Call a function that must refuse, and return the refusal.

    Returns:
        A dict with the status, the fields of the error document by name, and `why`, the details
        in the journal.
    """
    with pytest.raises(RefusedError) as info:
        call(*args, **kwargs)
    error = info.value
    return {
        "status": error.status,
        "Code": error.code,
        "Message": error.message,
        "EC": error.ec,
        **error.extras,
        "why": error.why,
    }
