"""Values that tell who reads them: `Signal`, `Computed`, `effect`, `batch`, `Owner`.

A change marks what depends on it, then effects run once each, after all values are settled, so
none sees a mixture of old and new. A computed value is worked out when it is read, and an
effect whose sources turn out equal does not run. Values are replaced, never mutated.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Computed", "Owner", "Signal", "batch", "effect", "report_errors_to"]

_reader: "_Reader | None" = None
_owner: "Owner | None" = None
_waiting: "list[_Effect]" = []
_depth = 0


def _print_error(error: Exception) -> None:
    print(f"error in an effect: {error!r}", file=sys.stderr)  # noqa: T201 - the last resort


_report: "Callable[[Exception], None]" = _print_error


def report_errors_to(handler: "Callable[[Exception], None]") -> None:
    """Send exceptions that escape from effects to `handler`."""
    global _report
    _report = handler


class _Source:
    """What can be read: remembers its readers, counts its changes.

    An upload has a dozen, and few are ever read: what is still as at the start takes no room.
    """

    _readers: "list[_Reader] | None" = None
    version = 0

    def refresh(self) -> None:
        """Bring the value up to date; a plain signal always is."""

    def _track(self) -> None:
        if _reader is not None:
            _reader.reads(self)

    def add_reader(self, reader: "_Reader") -> None:
        if self._readers is None:
            self._readers = []
        self._readers.append(reader)

    def remove_reader(self, reader: "_Reader") -> None:
        if self._readers:
            self._readers.remove(reader)

    def _mark_readers(self) -> None:
        for reader in list(self._readers or ()):
            reader.mark()


class _Reader:
    """What reads: knows its sources and the versions it saw."""

    def __init__(self) -> None:
        self._sources: list[_Source] = []
        self._versions: list[int] = []
        self._before: list[_Source] = []  # read in the run before; still know us

    def mark(self) -> None:
        """Note that a source may have changed."""
        raise NotImplementedError

    def reads(self, source: _Source) -> None:
        if source not in self._sources:
            self._sources.append(source)
            self._versions.append(source.version)
            if source not in self._before:
                source.add_reader(self)

    def forget(self) -> None:
        for source in self._sources:
            source.remove_reader(self)
        self._sources, self._versions = [], []

    def _outdated(self) -> bool:
        for source, version in zip(self._sources, self._versions):  # noqa: B905 - MicroPython
            source.refresh()
            if source.version != version:
                return True
        return False

    def _run(self, function: "Callable[[], Any]") -> "Any":
        global _reader
        self._before, self._sources, self._versions = self._sources, [], []
        outer, _reader = _reader, self
        try:
            return function()
        finally:
            _reader = outer
            for source in self._before:
                if source not in self._sources:
                    source.remove_reader(self)
            self._before = []


class Signal(_Source):
    """A value that can be set."""

    def __init__(self, value: "Any") -> None:
        self._value = value

    def get(self) -> "Any":
        """Return the value; the running effect or computed value will follow it."""
        self._track()
        return self._value

    def set(self, value: "Any") -> None:
        """Replace the value; an equal one changes nothing."""
        if value == self._value:
            return
        self._value = value
        self.version += 1
        if self._readers:
            self._mark_readers()
            _flush()


class Computed(_Source, _Reader):
    """A value worked out from others, only when it is read and they have changed.

    One that is made for an owner is not to be read after it.
    """

    def __init__(self, function: "Callable[[], Any]") -> None:
        _Reader.__init__(self)
        self._function = function
        self._value: Any = None
        self._stale = True
        if _owner is not None:
            _owner.on_dispose(self.forget)

    def get(self) -> "Any":
        """Return the value, up to date."""
        self.refresh()
        self._track()
        return self._value

    def mark(self) -> None:
        """Note that a source may have changed."""
        if not self._stale:
            self._stale = True
            self._mark_readers()

    def refresh(self) -> None:
        """Work the value out again if a source has changed."""
        if not self._stale:
            return
        if self.version == 0 or self._outdated():
            value = self._run(self._function)
            if self.version == 0 or value != self._value:
                self._value = value
                self.version += 1
        self._stale = False


class _Effect(_Reader):
    """A function that runs now and after each change of what it read."""

    def __init__(self, function: "Callable[[], None]") -> None:
        _Reader.__init__(self)
        self._function = function
        self._disposed = False
        self._queued = False

    def mark(self) -> None:
        if not self._queued and not self._disposed:
            self._queued = True
            _waiting.append(self)

    def settle(self) -> None:
        """Run if a source has really changed; the first error goes to the reporter."""
        self._queued = False
        try:
            if not self._disposed and self._outdated():
                self._run(self._function)
        except Exception as error:
            _report(error)

    def start(self) -> None:
        self._run(self._function)

    def dispose(self) -> None:
        self._disposed = True
        self.forget()


class Owner:
    """Collects what belongs to one part of the page, to dispose of it together."""

    def __init__(self) -> None:
        self._cleanups: list[Callable[[], None]] = []

    def run(self, function: "Callable[[], Any]") -> "Any":
        """Call `function`; effects made in it belong to this owner."""
        global _owner
        outer, _owner = _owner, self
        try:
            return function()
        finally:
            _owner = outer

    def on_dispose(self, cleanup: "Callable[[], None]") -> None:
        """Call `cleanup` when the owner is disposed of."""
        self._cleanups.append(cleanup)

    def dispose(self) -> None:
        """Stop all effects and run all clean-ups, the latest first; a second call does nothing."""
        cleanups, self._cleanups = self._cleanups, []
        for cleanup in reversed(cleanups):
            cleanup()


def effect(function: "Callable[[], None]") -> "Callable[[], None]":
    """Run `function` now and whenever a value it read changes; the result stops it."""
    made = _Effect(function)
    if _owner is not None:
        _owner.on_dispose(made.dispose)
    made.start()
    return made.dispose


def batch(function: "Callable[[], Any]") -> "Any":
    """Call `function`; effects wait until it has set all it wants to set."""
    global _depth
    _depth += 1
    try:
        return function()
    finally:
        _depth -= 1
        _flush()


def _flush() -> None:
    global _depth
    if _depth:
        return
    _depth += 1  # an effect that sets a signal adds to this round instead of starting another
    try:
        while _waiting:
            _waiting.pop(0).settle()
    finally:
        _depth -= 1
