"""No token gives access to other users' keys, and the checks detect slightly wrong builders.

Threats T07, T08, T09, T12 and T40.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from attacks.soundness import BUCKET, SECURE, Build, Built, arbitrary_ids, faults, own_key_opens
from mock_oss.policies.evaluation import Question, evaluate, parse_policy
from ossferry.identity.owner import principal_prefix
from ossferry.identity.principal import Principal
from ossferry.oss.policy import Conditions, policy_text, upload_policy

SECRET = b"a-text-of-more-than-32-characters"
SECURED = Conditions(secure_transport=True)
SAMPLE = [
    "alice", "alice-", "alic", "Alice", "bob", "*", "a*", "?", '"],"Resource":["*', "../bob", "a/b",
    "\n", "\u00e9", "e\u0301", "${acs:UserName}", "user", "a" * 30, "a" * 31, "%2A",
]  # fmt: skip


def build(id_: str) -> Built:
    """Build prefix and policy as the server does."""
    prefix = principal_prefix(Principal(id=id_, name="x"), secret=SECRET)
    return prefix, policy_text(upload_policy(bucket=BUCKET, prefix=prefix, conditions=SECURED))


def _changed(change: Callable[[dict[str, Any]], None]) -> Build:
    """Return a mutant of the builder that changes the finished policy."""

    def mutant(id_: str) -> Built:
        prefix, text = build(id_)
        policy = json.loads(text)
        change(policy["Statement"][0])
        return prefix, json.dumps(policy)

    return mutant


def _prefixed(make: Callable[[str], str]) -> Build:
    """Return a mutant of the builder that makes prefixes in another way."""

    def mutant(id_: str) -> Built:
        prefix = make(id_)
        policy = json.loads(build("x")[1])
        policy["Statement"][0]["Resource"] = [f"acs:oss:*:*:{BUCKET}/{prefix}*"]
        return prefix, json.dumps(policy)

    return mutant


def _pasted(id_: str) -> Built:
    text = build("x")[1]
    return f"uploads/{id_}/", re.sub(r"uploads/[^*]*", lambda _: f"uploads/{id_}/", text)


def _without_deny(id_: str) -> Built:
    prefix, text = build(id_)
    policy = json.loads(text)
    del policy["Statement"][1]
    return prefix, json.dumps(policy)


def _slug(id_: str) -> str:
    return "-".join(re.findall("[a-z0-9]+", id_.lower()))[:24] or "user"


def _short(id_: str) -> str:
    digest = base64.b32encode(hashlib.sha256(id_.encode()).digest()).decode().lower()
    return f"uploads/{digest[:1]}/"


MUTANTS: dict[str, Build] = {
    "the id pasted into the text": _pasted,
    "the id as prefix": _prefixed(lambda id_: f"uploads/{id_}/"),
    "the slug alone": _prefixed(lambda id_: f"uploads/{_slug(id_)}/"),
    "one character of the hash": _prefixed(_short),
    "no slash at the end": _prefixed(lambda id_: f"uploads/{id_.encode().hex()}"),
    "the id casefolded": _prefixed(lambda id_: build(id_.casefold())[0]),
    "stars taken out": _prefixed(lambda id_: build(id_.replace("*", "") or "x")[0]),
    "one prefix for all": _prefixed(lambda _id: "uploads/"),
    "every action": _changed(lambda allow: allow.update(Action=["oss:*"])),
    "reading too": _changed(lambda allow: allow["Action"].append("oss:GetObject")),
    "every bucket": _changed(
        lambda allow: allow.update(Resource=[allow["Resource"][0].replace(BUCKET, "*")])
    ),
    "the bucket itself": _changed(
        lambda allow: allow["Resource"].append("acs:oss:*:*:" + BUCKET + "*")
    ),
    "no slash before the star": _changed(
        lambda allow: allow.update(Resource=[allow["Resource"][0].replace("/*", "*")])
    ),
    "no condition": _changed(lambda allow: allow.pop("Condition")),
    "public objects": _without_deny,
}


def test_the_servers_builder_is_sound() -> None:
    assert list(faults(build, SAMPLE)) == []


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_builder_is_caught(name: str) -> None:
    found = set(faults(MUTANTS[name], SAMPLE))

    assert found
    assert found != {"its own prefix is shut"}


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(8_000, id="some"),
        pytest.param(1_000_000, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_t07_t09_no_token_opens_a_key_of_another(count: int) -> None:
    owners: dict[str, str] = {}
    neighbours: list[str] = [build("victim")[0]]
    for id_ in arbitrary_ids(count, seed=count):
        prefix, text = build(id_)
        assert owners.setdefault(prefix, id_) == id_
        policy = parse_policy(text, "session")
        for neighbour in neighbours:
            if neighbour != prefix:
                where = f"acs:oss:*:1000000000000000:{BUCKET}/{neighbour}x"
                assert not evaluate((policy,), Question("oss:PutObject", where, SECURE)).allowed
        neighbours = [*neighbours[-3:], prefix]

    assert len(owners) > count * 0.9
    assert own_key_opens(build("alice"))
