"""Reactive values: `Signal`, `Computed`, `effect`, `batch` and `Owner`.

An effect runs again when a value that it read has changed. A change first marks all readers; then
each marked effect runs once, so that no effect sees a mixture of old and new values. A computed
value is computed when it is read. An effect does not run if its sources have their old values
again. Values are replaced, never mutated.
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
    print(f"error in an effect: {error!r}", file=sys.stderr)  # noqa: T201 - no handler was set


_report: "Callable[[Exception], None]" = _print_error


def report_errors_to(handler: "Callable[[Exception], None]") -> None:
    """Call `handler` with each exception that an effect raises."""
    global _report
    _report = handler


class _Source:
    """A value that readers follow: it has a list of them and a version, the number of its changes.

    Both are class attributes at first and need no memory: an upload has a dozen signals, and most
    of them are never read.
    """

    _readers: "list[_Reader] | None" = None
    version = 0

    def refresh(self) -> None:
        """Update the value and the version, if they depend on other sources."""

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
    """A function that reads sources; it keeps the versions that it read."""

    def __init__(self) -> None:
        self._sources: list[_Source] = []
        self._versions: list[int] = []
        self._before: list[
            _Source
        ] = []  # sources of the previous run, which still have this reader

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
        """Return the value, and make it a source of the running effect or computed value."""
        self._track()
        return self._value

    def set(self, value: "Any") -> None:
        """Replace the value and run the effects that read it; an equal value has no effect."""
        if value == self._value:
            return
        self._value = value
        self.version += 1
        if self._readers:
            self._mark_readers()
            _flush()


class Computed(_Source, _Reader):
    """A value computed from others, only when it is read and one of them has changed.

    If it is created inside an owner, it must not be read after the owner is disposed of.
    """

    def __init__(self, function: "Callable[[], Any]") -> None:
        _Reader.__init__(self)
        self._function = function
        self._value: Any = None
        self._stale = True
        if _owner is not None:
            _owner.on_dispose(self.forget)

    def get(self) -> "Any":
        """Return the current value, and make it a source of its reader, as with a signal."""
        self.refresh()
        self._track()
        return self._value

    def mark(self) -> None:
        """Note that a source may have changed."""
        if not self._stale:
            self._stale = True
            self._mark_readers()

    def refresh(self) -> None:
        """Compute the value again if a source has changed."""
        if not self._stale:
            return
        if self.version == 0 or self._outdated():
            value = self._run(self._function)
            if self.version == 0 or value != self._value:
                self._value = value
                self.version += 1
        self._stale = False


class _Effect(_Reader):
    """A function that runs at once, and again when a value that it read has changed."""

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
        """Run if a source has another version than at the last run; report an exception."""
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
    """Owns the effects and listeners of one part of the page, and disposes of them together."""

    def __init__(self) -> None:
        self._cleanups: list[Callable[[], None]] = []

    def run(self, function: "Callable[[], Any]") -> "Any":
        """Call `function` and return its result; effects created in it belong to this owner."""
        global _owner
        outer, _owner = _owner, self
        try:
            return function()
        finally:
            _owner = outer

    def on_dispose(self, cleanup: "Callable[[], None]") -> None:
        """Call `cleanup` when this owner is disposed of."""
        self._cleanups.append(cleanup)

    def dispose(self) -> None:
        """Stop all effects and run all clean-ups, the latest first; a second call does nothing."""
        cleanups, self._cleanups = self._cleanups, []
        for cleanup in reversed(cleanups):
            cleanup()


def effect(function: "Callable[[], None]") -> "Callable[[], None]":
    """Run `function` now and whenever a value that it read changes.

    Returns:
        A function that stops this.
    """
    made = _Effect(function)
    if _owner is not None:
        _owner.on_dispose(made.dispose)
    made.start()
    return made.dispose


def batch(function: "Callable[[], Any]") -> "Any":
    """Call `function` and return its result; effects run after it, not during it."""
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
    _depth += 1  # an effect that sets a signal extends this loop instead of starting another
    try:
        while _waiting:
            _waiting.pop(0).settle()
    finally:
        _depth -= 1
