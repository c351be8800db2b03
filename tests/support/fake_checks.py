"""A port that checks files with verdicts that a test gives. Runs on MicroPython too."""

import asyncio

from ossferry_uploader.transfer.checks.rules import Rules
from ossferry_uploader.transfer.checks.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File


def ran(check: str, outcome: str = "passed", says: str = "") -> "dict[str, str]":
    """Return the entry of a check that ran."""
    return {"check": check, "outcome": outcome, "says": says}


class FakeChecks:
    """Implements the engine's interface `Checks`.

    Attributes:
        verdicts: a verdict, or an error to raise, by the name of the object; others pass.
        seen: names of the files that were checked, in the order of their starts.
        most: the largest number of files that were checked at a time.
    """

    def __init__(self, *patterns: str, undo_s: float = 0.0) -> None:
        self.rules = Rules(list(patterns), version="sha256-abc", undo_s=undo_s)
        self.verdicts: dict[str, Verdict | Exception] = {}
        self.originals: dict[str, Verdict] = {}  # if the person keeps the original
        self.seen: list[str] = []
        self.loaded = self.most = self.running = self.cancelled = 0
        self.errors: list[Exception] = []  # of `load`
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Let no check end until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Let the checks end."""
        self._open.set()

    async def load(self) -> Rules:
        self.loaded += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.rules

    async def run(
        self,
        file: "File",
        name: str,
        on_progress: "Callable[[str, float], None]",
        *,
        keep_original: bool = False,
    ) -> Verdict:
        self.seen.append(name)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            on_progress("columns", 0.0)
            await asyncio.sleep(0)
            on_progress("columns", 0.5)
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        verdict = self.verdicts.get(name) or Verdict(ran=[ran("columns")])
        if keep_original:
            verdict = self.originals.get(file.name) or Verdict(ran=[ran("columns", "undone")])
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    def repair(self, file: "File") -> "Any":
        return f"repair of {file.name}"
