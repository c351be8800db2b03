"""No token gives access to other users' keys (threats T07 and T09)."""

import pytest

from attacks.arbitrary_ids import arbitrary_ids
from attacks.in_policy import BUCKET, allows, prefix
from mock_oss.policies.evaluation import parse_policy
from ossferry.oss.policy import policy_text, upload_policy


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(8_000, id="some"),
        pytest.param(1_000_000, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_t07_t09_no_token_opens_a_key_of_another(count: int) -> None:
    owners: dict[str, str] = {}
    neighbours = [prefix("victim")]
    for id_ in arbitrary_ids(count, seed=count):
        own = prefix(id_)
        assert owners.setdefault(own, id_) == id_
        policy = parse_policy(policy_text(upload_policy(bucket=BUCKET, prefix=own)), "session")
        assert allows(policy, "oss:PutObject", f"{BUCKET}/{own}x")
        for neighbour in neighbours:
            if neighbour != own:
                assert not allows(policy, "oss:PutObject", f"{BUCKET}/{neighbour}x")
        neighbours = [*neighbours[-3:], own]

    assert len(owners) > count * 0.9
