"""The bearer token of a request: one header, one scheme, and a limited length."""

from collections.abc import Sequence

import pytest
from starlette.requests import Request

from ossferry.errors import NoProofError, NotIdentifiedError
from ossferry.http.bearer import MAX_TOKEN_LENGTH, bearer_token


def request(values: Sequence[str]) -> Request:
    headers = [(b"authorization", value.encode()) for value in values]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_of_the_greatest_length_is_read(scheme: str) -> None:
    token = "t" * MAX_TOKEN_LENGTH

    assert bearer_token(request([f"{scheme} {token}"])) == token


def test_t51_a_longer_token_is_not_verified() -> None:
    with pytest.raises(NotIdentifiedError):
        bearer_token(request(["Bearer " + "t" * (8192 + 1)]))


@pytest.mark.parametrize(
    "values",
    [["Bearer"], ["Bearer "], ["Basic t"], ["t"], [""], ["Bearer t", "Bearer t"], ["Bearer t", ""]],
)
def test_t01_a_header_without_one_token_is_a_failed_proof(values: Sequence[str]) -> None:
    with pytest.raises(NotIdentifiedError) as caught:
        bearer_token(request(values))

    assert not isinstance(caught.value, NoProofError)


def test_who_sends_no_header_has_proved_nothing() -> None:
    with pytest.raises(NoProofError):
        bearer_token(request([]))
