"""Properties that every builder of session policies must have; yields violations.

The mock's evaluator decides. `Build` is the builder under test: the server's own, or a mutant of
it.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from mock_oss.policies.evaluation import PolicyError, Question, evaluate, parse_policy

Built = tuple[str, str]
"""Key prefix and session policy of one principal."""
Build = Callable[[str], Built]

BUCKET = "web-direct-upload"
SECURE = {"acs:SecureTransport": "true", "oss:x-oss-object-acl": "default"}
PIECES = (
    "*", "?", "/", "../", "%2f", "%2A", '"', "}", "]", "\\", "${acs:UserName}", "\n", "\0", ",",
    "-", "alice", "uploads/", "A", "\u00e9", "e\u0301", "\u202e", "\u200b", "\uff0a",
    "\U0001f680", "acs:oss:*:*:", ":", "'", " ",
)  # fmt: skip


def arbitrary_ids(count: int, seed: int) -> Iterator[str]:
    """Yield ids of every sort: hostile pieces, any Unicode, short and long, nearly equal."""
    chance = random.Random(seed)
    previous = "alice"
    for number in range(count):
        kind = chance.random()
        if kind < 0.4:
            made = "".join(chance.choices(PIECES, k=chance.randint(1, 6))) + str(number)
        elif kind < 0.7:
            made = "".join(_any_character(chance) for _ in range(chance.randint(1, 12)))
        elif kind < 0.85:
            made = chance.choice(relatives(previous))
        else:
            made = f"user-{chance.getrandbits(40):x}"
        previous = made
        yield made


def _any_character(chance: random.Random) -> str:
    code = chance.choice(
        (chance.randrange(0x80), chance.randrange(0xD800), chance.randrange(0xE000, 0x110000))
    )
    return chr(code)  # fmt: skip


def relatives(id_: str) -> Sequence[str]:
    """Return ids that a careless builder might confuse with this one."""
    return (
        id_ + "x",
        id_[:-1] or "x",
        id_.upper(),
        id_.lower(),
        id_ + "/",
        id_ + "*",
        " " + id_,
        id_ + "\0",
    )


def own_key_opens(built: Built) -> bool:
    """Return whether a token may write below its own prefix."""
    return _allows(built, "oss:PutObject", f"{BUCKET}/{built[0]}2026/x.txt")


def faults(build: Build, ids: Sequence[str]) -> Iterator[str]:
    """Yield the violations of a builder for these ids."""
    for id_ in ids:
        try:
            here = build(id_)
            parse_policy(here[1], "session")
        except (PolicyError, ValueError):
            yield f"no policy at all for {id_!a}"
            continue
        yield from _alone(here)
        for other in (*relatives(id_), *ids):
            if other != id_:
                yield from _apart(here, build(other))


def _alone(here: Built) -> Iterator[str]:
    key = f"{BUCKET}/{here[0]}x"
    if not own_key_opens(here):
        yield "its own prefix is shut"
    for action in ("oss:GetObject", "oss:DeleteObject", "oss:PutObjectAcl", "oss:PutObjectTagging"):
        if _allows(here, action, key):
            yield f"{action} is allowed"
    for action, where in (
        ("oss:ListObjects", BUCKET),
        ("oss:PutObject", f"another/{here[0]}x"),
        ("oss:PutObject", f"{BUCKET}/x"),
        ("oss:PutObject", f"{BUCKET}/{here[0][:-1]}x"),
    ):
        if _allows(here, action, where):
            yield f"{action} on {where} is allowed"
    if _allows(here, "oss:PutObject", key, **{"oss:x-oss-object-acl": "public-read"}):
        yield "objects may be public"
    if _allows(here, "oss:PutObject", key, **{"acs:SecureTransport": "false"}):
        yield "plain http is allowed"
    if len(here[1]) > 1024:
        yield "it is too long"


def _apart(here: Built, there: Built) -> Iterator[str]:
    for key in (there[0] + "x", there[0], there[0] + "2026/x"):
        if _allows(here, "oss:PutObject", f"{BUCKET}/{key}"):
            yield "another's prefix is open"


def _allows(built: Built, action: str, where: str, **context: str) -> bool:
    policy = parse_policy(built[1], "session")
    resource = f"acs:oss:*:1000000000000000:{where}"
    return evaluate((policy,), Question(action, resource, {**SECURE, **context})).allowed
