"""Planned faults: the definition of a fault, and the selection of faults for a request.

A fault has one effect. The effects and their parameters are:

===================  ==========================================================================
`delay`              wait `seconds` before the request is processed
`error`              respond with the error `code`, and optionally `status` and `message`
`unavailable`        respond with 503 ServiceUnavailable and `Retry-After: seconds`
`reset`              cut the connection `when` = `before` (before the body is read),
                     `mid-body` (after `after_bytes`, by default half of the body),
                     `before-answer` (after the operation), or `mid-answer` (after `after_bytes`
                     of the response body, by default half)
`hang`               read the request and never respond
`bandwidth`          limit the rate of request and response bodies to `bytes_per_s`
`wrong-crc`          respond with a wrong `x-oss-hash-crc64ecma`
`drop-etag`          omit `ETag` from the response
`drop-header`        omit the header with this `name` from the response
`truncate-xml`       send half of an XML response, with a matching Content-Length
`endless-xml`        send blanks after an XML response until the client closes the connection
`html`               respond with 200 and an HTML page, as a captive portal does
`short-lived`        let new STS credentials expire after `seconds`; ignore `DurationSeconds`
`no-session-policy`  issue STS credentials with all rights of the role, whatever `Policy` says
`expire-tokens`      expire all session tokens before the request is processed
`clock-jump`         move the clock by `seconds` before the request is processed
===================  ==========================================================================
"""

import json
import random
import threading
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mock_oss.errors import ERRORS, UnknownOperationError, WorldError

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
    "no-session-policy": (),
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
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")
MOMENTS = ("before", "mid-body", "before-answer", "mid-answer")


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The properties of a request that are compared with the fields of a fault.

    `operation` is the name of the OSS operation or STS action, such as `PutObject`. `bucket` and
    `key` are empty if the request addresses none. `part_number` is the part number in the query, or
    None.
    """

    method: str
    bucket: str
    key: str
    operation: str
    part_number: int | None


@dataclass(slots=True, kw_only=True)
class Fault:
    """One planned fault: which effect it has, and to which requests it applies.

    `effect` is the name of the effect, such as `delay`. `seconds`, `code`, `status`, `message`,
    `when`, `after_bytes`, `bytes_per_s` and `name` are parameters of the effect; the documentation
    of this module describes them.

    A request matches the fault if each of `method`, `bucket`, `operation` and `part_number` is None
    or equal to the request's value, and `key` is None or a glob pattern that matches the object
    key. `seen` is the number of matching requests so far, including the current one, and `hits` the
    number of requests to which the fault has applied. The fault applies to a matching request only
    if `nth` is None or equal to `seen`, `seen` is larger than `skip`, and `times` is None or larger
    than `hits`. Even then, it applies only with the probability `probability`; `seed` makes this
    random choice reproducible.
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
            raise WorldError(f"there is no fault {self.effect!r}, only {', '.join(EFFECTS)}")
        for name in EFFECTS[self.effect]:
            if not getattr(self, name):
                raise WorldError(f"a {self.effect} fault needs {name}")
        if self.method not in (None, *METHODS):
            raise WorldError(f"method must be one of {', '.join(METHODS)}")
        if self.when not in MOMENTS:
            raise WorldError(f"when must be one of {', '.join(MOMENTS)}")
        if self.effect == "error" and self.status is None and self.code not in ERRORS:
            raise WorldError(f"{self.code} is not an error code of the mock; add its status")
        self._random = random.Random(self.seed)  # noqa: S311 - reproducible

    def _check_types(self) -> None:
        for name in TEXTS:
            if not isinstance(getattr(self, name), str | None):
                raise WorldError(f"{name} must be text, not {getattr(self, name)!r}")
        for name, least, most in LIMITS:
            number = getattr(self, name)
            if number is None:
                continue
            if name == "seconds" and self.effect != "clock-jump":  # a clock may move back
                least = 0
            if (
                isinstance(number, bool)
                or not isinstance(number, int | float)
                or not least <= number <= most
            ):
                raise WorldError(f"{name} must be a number from {least:g} to {most:g}")

    def triggers_on(self, request: RequestFacts) -> bool:
        """Return whether the fault applies to a request; update the counters `seen` and `hits`."""
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
        """Return the fields and counters of the fault that differ from their defaults."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name != "_random" and getattr(self, item.name) != item.default
        }


_ARGUMENTS = frozenset(item.name for item in fields(Fault) if item.init)


class Faults:
    """The planned faults, in the order in which they were added.

    Args:
        plans: the faults that are planned first and after each `reset`, each as keyword arguments
            of `add`.
        operations: the allowed values for the field `operation` of a fault; empty if any name is
            allowed.
    """

    def __init__(
        self, plans: Iterable[Mapping[str, Any]] = (), *, operations: Collection[str] = ()
    ) -> None:
        self._operations = operations
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._first = tuple(plans)
        self.reset()

    def add(self, effect: str, **plan: Any) -> Fault:
        """Plan a fault and return it.

        Args:
            effect: the name of the effect, such as `delay`.
            plan: values for other fields of `Fault`, as keyword arguments.

        Raises:
            WorldError: an argument is unknown, missing or out of range.
        """
        return self.add_plan({"effect": effect, **plan})

    def add_plan(self, plan: Mapping[str, Any]) -> Fault:
        """Plan a fault and return it; `add` does the same with keyword arguments.

        Args:
            plan: a mapping from field name of `Fault` to value.

        Raises:
            WorldError: a field is unknown, missing or out of range.
        """
        if "effect" not in plan:
            raise WorldError(f"a fault needs an effect: {', '.join(EFFECTS)}")
        if unknown := plan.keys() - _ARGUMENTS:
            raise WorldError(f"a fault has no {min(unknown)!r}")
        fault = Fault(**plan)
        if fault.operation and self._operations and fault.operation not in self._operations:
            raise WorldError(str(UnknownOperationError(fault.operation, self._operations)))
        with self._lock:
            self._faults.append(fault)
        return fault

    def load(self, path: Path) -> None:
        """Plan the faults that a TOML or JSON file defines; `read_faults` describes the format.

        Raises:
            WorldError: the file cannot be read, or a fault is not valid.
        """
        for plan in read_faults(path):
            self.add_plan(plan)

    def reset(self) -> None:
        """Plan exactly the faults that the argument `plans` of the class describes.

        All other faults are removed, and the counters of all faults are zero.
        """
        self.clear()
        for plan in self._first:
            self.add_plan(plan)

    def remove(self, fault: Fault) -> None:
        """Remove a planned fault.

        Raises:
            ValueError: the fault is not planned, for example because it was already removed.
        """
        with self._lock:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Remove all planned faults."""
        with self._lock:
            self._faults.clear()

    def select(self, request: RequestFacts) -> list[Fault]:
        """Return the faults that apply to a request; update the counters of all matching faults."""
        if not self._faults:
            return []
        with self._lock:
            return [fault for fault in self._faults if fault.triggers_on(request)]

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults))

    def __len__(self) -> int:
        return len(self._faults)


def read_faults(path: Path) -> list[dict[str, Any]]:
    """Read the definitions of planned faults from a file.

    Args:
        path: a TOML file with one `[[faults]]` table per fault, or a `.json` file with a list of
            JSON objects. The keys in a table or JSON object are field names of `Fault`.

    Returns:
        A list with one dict per fault: the keyword arguments of `Faults.add`.

    Raises:
        WorldError: the file cannot be read, or a fault is not valid.
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
