"""Reactive values: `Signal`, `Computed`, `effect`, `batch` and `Owner`.

An effect is a function that reads reactive values, and runs again when one of them changes. A
change first marks all functions that depend on the value; then each marked effect runs once.
Therefore no effect reads a mixture of old and new values. A computed value is computed only when it
is read. If its new result is equal to the old result, effects that read it do not run again. Values
are replaced, never mutated.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_reader: "_Reader | None" = None
_owner: "Owner | None" = None
_waiting: "list[_Effect]" = []
_depth = 0


def _print_error(error: Exception) -> None:
    print(f"error in an effect: {error!r}", file=sys.stderr)  # noqa: T201 - no handler was set


_report: "Callable[[Exception], None]" = _print_error


def report_errors_to(handler: "Callable[[Exception], None]") -> None:
    """From now on, call `handler` with each exception that an effect raises when it runs again."""
    global _report
    _report = handler


class _Source:
    """Base class of reactive values: a value, its readers, and its version.

    `version` is the number of changes.

    `_readers` and `version` are class attributes until they are set. This saves memory, because
    each upload has a dozen signals and most of them are never read.
    """

    _readers: "list[_Reader] | None" = None
    version = 0

    def refresh(self) -> None:
        """Bring the value and the version up to date; only computed values need this."""

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
    """Base class of computed values and effects: a function, and the values it reads (sources).

    The sources and versions of the last run are stored, so that later changes can be detected.
    """

    def __init__(self) -> None:
        self._sources: list[_Source] = []
        self._versions: list[int] = []
        self._before: list[
            _Source
        ] = []  # sources of the previous run, which still have this reader

    def mark(self) -> None:
        """Record that a source may have changed; subclasses implement this."""
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
    """A reactive value that code sets; effects that read it run again after a change."""

    def __init__(self, value: "Any") -> None:
        self._value = value

    def get(self) -> "Any":
        """Return the value of the signal.

        An effect or computed value that calls this method depends on the signal from then on: it
        runs again after a change.
        """
        self._track()
        return self._value

    def set(self, value: "Any") -> None:
        """Replace the value, and run the effects that read it; an equal value changes nothing."""
        if value == self._value:
            return
        self._value = value
        self.version += 1
        if self._readers:
            self._mark_readers()
            _flush()


class Computed(_Source, _Reader):
    """A reactive value that a function computes from other reactive values.

    After a change of these values, it is computed again when it is next read. A computed value that
    was created in `Owner.run` must not be read after the owner was disposed of.
    """

    def __init__(self, function: "Callable[[], Any]") -> None:
        _Reader.__init__(self)
        self._function = function
        self._value: Any = None
        self._stale = True
        if _owner is not None:
            _owner.on_dispose(self.forget)

    def get(self) -> "Any":
        """Return the current value, and compute it if necessary.

        An effect or another computed value that calls this method depends on this value from then
        on: it runs again after a change.
        """
        self.refresh()
        self._track()
        return self._value

    def mark(self) -> None:
        """Mark this computed value, and everything that reads it, as possibly outdated."""
        if not self._stale:
            self._stale = True
            self._mark_readers()

    def refresh(self) -> None:
        """Compute the value again if a value that it depends on has changed."""
        if not self._stale:
            return
        if self.version == 0 or self._outdated():
            value = self._run(self._function)
            if self.version == 0 or value != self._value:
                self._value = value
                self.version += 1
        self._stale = False


class _Effect(_Reader):
    """A function that runs again after each change of a value that the function has read."""

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
        """Run the function if a source has changed since its last run; report any exception."""
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
    """Collects the effects and listeners of one part of the page, to end them together."""

    def __init__(self) -> None:
        self._cleanups: list[Callable[[], None]] = []

    def run(self, function: "Callable[[], Any]") -> "Any":
        """Call `function` and return its result.

        Effects and computed values that `function` creates belong to this owner, and end with it.
        """
        global _owner
        outer, _owner = _owner, self
        try:
            return function()
        finally:
            _owner = outer

    def on_dispose(self, cleanup: "Callable[[], None]") -> None:
        """Call the function `cleanup` when this owner is disposed of."""
        self._cleanups.append(cleanup)

    def dispose(self) -> None:
        """Stop all effects of this owner and call its clean-up functions, the latest first.

        A second call does nothing.
        """
        cleanups, self._cleanups = self._cleanups, []
        for cleanup in reversed(cleanups):
            cleanup()


def effect(function: "Callable[[], None]") -> "Callable[[], None]":
    """Run `function` now, and again after a change of any reactive value that its last run read.

    Returns:
        A function that stops the effect.
    """
    made = _Effect(function)
    if _owner is not None:
        _owner.on_dispose(made.dispose)
    made.start()
    return made.dispose


def batch(function: "Callable[[], Any]") -> "Any":
    """Call `function` and return its result; let effects wait until it has ended.

    An effect that reads several of the values that `function` changes then runs only once.
    """
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
