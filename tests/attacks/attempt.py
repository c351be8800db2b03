"""The type of an attack attempt: its threat, a description, and a function that runs it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from attacks.worlds import Headers, World, Worlds, session

Try = Callable[[Worlds], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt.

    Attributes:
        row: id of the threat in docs/threats.md, such as `T03`.
        refused: runs the attempt and returns whether it was refused.
    """

    row: str
    what: str
    refused: Try


def asks(
    kind: str,
    method: str = "POST",
    path: str = "/api/grant",
    headers: Headers = (),
    body: bytes = b"",
    *,
    own: Callable[[World], Headers] = lambda _world: (),
    gets: Callable[..., bool] = World.gets_nothing,
) -> Try:
    """Return an attempt to send a request to a server of this kind.

    `own` returns headers with a valid key or cookie of the server, and `gets` tells the outcome.
    """

    def attempt(worlds: Worlds) -> bool:
        world = worlds[kind]
        return gets(world, method, path, (*own(world), *headers), body)

    return attempt


with_key = partial(asks, own=lambda world: (world.bearer,))
with_session = partial(asks, own=lambda world: (session(world),))


def raises(error: type[Exception], call: Callable[[], object]) -> Try:
    """Return an attempt that counts as refused if the call raises this error."""

    def attempt(_worlds: object) -> bool:
        try:
            call()
        except error:
            return True
        return False

    return attempt


def attempts(row: str, tries: Iterable[tuple[str, Try]]) -> list[Attempt]:
    """Return the attempts of one threat."""
    return [Attempt(row=row, what=what, refused=refused) for what, refused in tries]


def numbered(found: Iterable[Attempt]) -> dict[str, Attempt]:
    """Return attempts by id: threat and number within the threat, such as `T03-07`."""
    ids: dict[str, Attempt] = {}
    counts: dict[str, int] = {}
    for attempt in found:
        counts[attempt.row] = counts.get(attempt.row, 0) + 1
        ids[f"{attempt.row}-{counts[attempt.row]:02}"] = attempt
    return ids
