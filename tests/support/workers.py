"""Assigns groups of tests to workers, and a dead worker's remaining tests to its successor.

The group of a test follows from its node id. pytest-xdist's own groups (`xdist_group`) have no
effect with pytest 9.2: pytest-xdist 3.8 writes them into an attribute that pytest no longer reads.

A test that hangs ends its worker process (`timeout_method = "thread"`). Nothing else can interrupt
a wait for Playwright, because Playwright's loop does not survive an exception from a signal.
pytest-xdist's own scheduler fails such a test although it is run again, and it waits for ever if
one test is left (seen with 3.8.0).
"""

from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """`--dist loadscope` with groups of our own, which tolerates the death of a worker.

    Args:
        group: returns the group of a test from its node id; a group runs in one worker.
    """

    def __init__(self, config: pytest.Config, log: Any, group: Callable[[str], str]) -> None:
        super().__init__(config, log)
        self._split_scope = group

    def schedule(self) -> None:
        """Assign work to workers; a new worker starts its last test only when told that it is the
        last.
        """
        begun = self.collection is not None
        super().schedule()
        if begun:
            for node in self.nodes:
                self._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Take back a dead worker's unfinished tests; the test that killed it counts as done.

        Returns:
            The id of that test, or `None` if the worker had no tests left.
        """
        units = self.assigned_work.pop(node)
        left = {scope: unit for scope, unit in units.items() if _is_left(unit)}
        if not left:
            return None
        died_of: str = next(
            test for unit in left.values() for test, done in unit.items() if not done
        )
        left[self._split_scope(died_of)][died_of] = True
        self.workqueue.update({scope: unit for scope, unit in left.items() if _is_left(unit)})
        return died_of

    def mark_test_pending(self, item: str) -> None:
        """Queue a test again; pytest-rerunfailures calls this if attempts are left."""
        self.workqueue.setdefault(self._split_scope(item), {})[item] = False


def _is_left(unit: dict[str, bool]) -> bool:
    return not all(unit.values())
