"""Texts that the browser remembers for a person: decisions by file, matched columns by header."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Storage(Protocol):
        """Interface to the browser's storage of texts."""

        def read(self, name: str) -> str:
            """Return a stored text; empty if there is none."""

        def write(self, name: str, text: str) -> bool:
            """Store a text; an empty one is removed. Return whether there was room."""


class Remembered:
    """Texts of one kind by name, of which only the latest stay.

    Args:
        kind: the beginning of their names in the storage.
        most: the number of texts that stay.
        longest: the length of the longest text that is stored.
    """

    def __init__(self, storage: "Storage", kind: str, *, most: int, longest: int) -> None:
        self._storage = storage
        self._kind = kind
        self._most = most
        self._longest = longest

    def get(self, name: str) -> str:
        """Return a text; empty if there is none."""
        return self._storage.read(f"{self._kind} {name}")

    def put(self, name: str, text: str) -> None:
        """Store a text in place of an earlier one; an empty or too long one is only removed.

        The oldest texts are removed, also if there is no room for the new one.
        """
        names = [each for each in self._names() if each != name]
        text = text if len(text) <= self._longest else ""
        while len(names) >= self._most:
            self._forget(names.pop(0))
        while not self._storage.write(f"{self._kind} {name}", text) and names:
            self._forget(names.pop(0))
        if text:
            names.append(name)
        self._storage.write(self._kind, json.dumps(names))

    def _forget(self, name: str) -> None:
        self._storage.write(f"{self._kind} {name}", "")

    def _names(self) -> "list[str]":
        """Return the names of the stored texts, the oldest first."""
        try:
            return [str(name) for name in json.loads(self._storage.read(self._kind) or "[]")]
        except ValueError:
            return []
