"""Ids of principals of every sort, for properties that must hold for each id."""

import random
from collections.abc import Iterator, Sequence

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
