"""No token gives access to other users' keys (threats T07 and T09)."""

from attacks.arbitrary_ids import arbitrary_ids
from attacks.in_policy import BUCKET, allows, prefix
from mock_oss.policies.evaluation import parse_policy
from ossferry.oss.policy import policy_text, upload_policy
from support.random_examples import some_and_many


@some_and_many(2_000, 1_000_000, name="count")
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
