"""Planned misbehaviour: which requests are hit, and by what.

A fault names its effect, the requests it matches, and how often. Effects and their parameters:

==================  ===========================================================================
``delay``           answer ``seconds`` later
``error``           answer with ``code`` of OSS or STS, perhaps ``status`` and ``message``
``unavailable``     503 ServiceUnavailable with ``Retry-After: seconds``
``reset``           cut the connection ``when`` = ``before`` (the body is read), ``mid-body``
                    (after ``after_bytes``, half the body when left out), ``before-answer`` (the
                    work is done) or ``mid-answer``
``hang``            take the request and never answer
``bandwidth``       move at most ``bytes_per_s`` in either direction
``wrong-crc``       answer a false ``x-oss-hash-crc64ecma``
``drop-etag``       leave ``ETag`` out of the answer
``drop-header``     leave the header ``name`` out of the answer
``truncate-xml``    cut an XML answer in half; Content-Length says the half
``endless-xml``     an XML answer goes on with blanks until the client has gone
``html``            answer 200 with an HTML page, as a captive portal does
``short-lived``     credentials that this request to STS gets live ``seconds``, whatever it asks
``expire-tokens``   every session token ends now, before the request is looked at
``clock-jump``      move the clock by ``seconds`` before the request is looked at
==================  ===========================================================================
"""

from __future__ import annotations

import json
import random
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mock_oss.errors import ERRORS, WorldError

__all__ = ["EFFECTS", "Fault", "Faults", "RequestFacts", "read_faults"]

EFFECTS: Mapping[str, tuple[str, ...]] = {
    "delay": ("seconds",),
    "error": ("code",),
    "unavailable": (),
    "reset": (),
    "hang": (),
    "bandwidth": ("bytes_per_s",),
    "wrong-crc": (),
    "drop-etag": (),
    "drop-header": ("name",),
    "truncate-xml": (),
    "endless-xml": (),
    "html": (),
    "short-lived": ("seconds",),
    "expire-tokens": (),
    "clock-jump": ("seconds",),
}
LIMITS = (
    ("seconds", -1e9, 1e9),
    ("bytes_per_s", 0, 1e15),
    ("after_bytes", 0, 1e15),
    ("probability", 0, 1),
    ("nth", 1, 1e9),
    ("skip", 0, 1e9),
    ("times", 0, 1e9),
    ("status", 100, 599),
    ("part_number", 1, 10_000),
)
TEXTS = ("effect", "method", "bucket", "key", "operation", "code", "message", "when", "name")
MOMENTS = ("before", "mid-body", "before-answer", "mid-answer")


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What a fault can see of a request; ``operation`` is ``PutObject`` or ``AssumeRole``."""

    method: str
    bucket: str
    key: str
    operation: str
    part_number: int | None


@dataclass(slots=True, kw_only=True)
class Fault:
    """One plan.

    Matching: ``method``, ``bucket``, ``operation`` exactly, ``key`` as a glob, ``part_number``.
    Of the matching requests only the ``nth`` (from 1) is hit, or those after the first
    ``skip``, at most ``times`` of them, each with ``probability`` from a generator with ``seed``.
    Numbers carry their units: ``seconds``, ``bytes_per_s``, ``after_bytes``.
    """

    effect: str
    method: str | None = None
    bucket: str | None = None
    key: str | None = None
    operation: str | None = None
    part_number: int | None = None
    nth: int | None = None
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    code: str = ""
    status: int | None = None
    message: str | None = None
    when: str = "before"
    after_bytes: int | None = None
    bytes_per_s: float = 0.0
    name: str = ""
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_types()
        if self.effect not in EFFECTS:
            raise WorldError(f"there is no fault {self.effect!r}; there is {', '.join(EFFECTS)}")
        for name in EFFECTS[self.effect]:
            if not getattr(self, name):
                raise WorldError(f"a {self.effect} fault needs {name}")
        if self.when not in MOMENTS:
            raise WorldError(f"when is one of {', '.join(MOMENTS)}")
        if self.effect == "error" and self.status is None and self.code not in ERRORS:
            raise WorldError(f"{self.code} is not a code of the mock's table; give its status")
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose

    def _check_types(self) -> None:
        for name in TEXTS:
            if not isinstance(getattr(self, name), str | None):
                raise WorldError(f"{name} is a text, not {getattr(self, name)!r}")
        for name, least, most in LIMITS:
            number = getattr(self, name)
            if number is None:
                continue
            if name == "seconds" and self.effect != "clock-jump":  # only a clock goes back
                least = 0
            if (
                isinstance(number, bool)
                or not isinstance(number, int | float)
                or not least <= number <= most
            ):
                raise WorldError(f"{name} is a number from {least:g} to {most:g}")

    def triggers_on(self, request: RequestFacts) -> bool:
        """Whether this request is hit; counts it."""
        if not self._matches(request):
            return False
        self.seen += 1
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.seen <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def _matches(self, request: RequestFacts) -> bool:
        return (
            self.method in (None, request.method)
            and self.bucket in (None, request.bucket)
            and self.operation in (None, request.operation)
            and self.part_number in (None, request.part_number)
            and (self.key is None or fnmatchcase(request.key, self.key))
        )

    def as_dict(self) -> dict[str, object]:
        """Return the plan and its counts, defaults left out."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name != "_random" and getattr(self, item.name) != item.default
        }


_ARGUMENTS = frozenset(item.name for item in fields(Fault) if item.init)


class Faults:
    """The plans in force, in the order added.

    Args:
        plans: those in force from the start, as arguments of ``add``.
    """

    def __init__(self, plans: Iterable[Mapping[str, Any]] = ()) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._first = tuple(plans)
        self.reset()

    def add(self, effect: str, **plan: Any) -> Fault:
        """Plan a fault; the arguments are the fields of ``Fault``.

        Raises:
            WorldError: an argument is unknown, missing or out of range.
        """
        return self.add_plan({"effect": effect, **plan})

    def add_plan(self, plan: Mapping[str, Any]) -> Fault:
        """Plan a fault from a mapping, as files and HTTP give it.

        Raises:
            WorldError: as ``add``.
        """
        if "effect" not in plan:
            raise WorldError(f"a fault needs an effect: {', '.join(EFFECTS)}")
        if unknown := plan.keys() - _ARGUMENTS:
            raise WorldError(f"a fault has no {min(unknown)!r}")
        fault = Fault(**plan)
        with self._lock:
            self._faults.append(fault)
        return fault

    def load(self, path: Path) -> None:
        """Plan the faults of a file, see ``read_faults``."""
        for plan in read_faults(path):
            self.add_plan(plan)

    def reset(self) -> None:
        """Go back to the plans in force from the start, none of which has hit yet."""
        self.clear()
        for plan in self._first:
            self.add_plan(plan)

    def remove(self, fault: Fault) -> None:
        """Take a plan back."""
        with self._lock:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take every plan back."""
        with self._lock:
            self._faults.clear()

    def select(self, request: RequestFacts) -> list[Fault]:
        """Return the faults that hit this request, and count it for all."""
        if not self._faults:
            return []
        with self._lock:
            return [fault for fault in self._faults if fault.triggers_on(request)]

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults))

    def __len__(self) -> int:
        return len(self._faults)


def read_faults(path: Path) -> list[dict[str, Any]]:
    """Read plans from TOML with ``[[faults]]`` tables, or from a JSON list.

    Raises:
        WorldError: the file cannot be read, or a plan in it cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
        plans = json.loads(text) if path.suffix == ".json" else tomllib.loads(text).get("faults")
    except (OSError, ValueError) as e:
        raise WorldError(f"{path}: {e.strerror if isinstance(e, OSError) else e}") from e
    if not isinstance(plans, list) or not all(isinstance(plan, dict) for plan in plans):
        raise WorldError(f"{path}: expected a list of faults")
    try:
        Faults(plans)
    except WorldError as e:
        raise WorldError(f"{path}: {e}") from e
    return plans
