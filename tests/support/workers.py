"""Hands groups of tests to workers, and the rest of a dead worker's tests to the one that follows.

A test that hangs ends its worker (`timeout_method = "thread"`): nothing else ends a wait for
Playwright, whose loop does not survive an exception from a signal. pytest-xdist's own scheduler
then fails the test although it runs it again, and it waits for ever when one test is left
(seen with 3.8.0).
"""

from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

__all__ = ["Scheduling"]


class Scheduling(LoadGroupScheduling):  # type: ignore[misc]  # it has no types
    """`--dist loadgroup` that outlives a worker."""

    def schedule(self) -> None:
        """Give work to workers; a new one begins its last test only when told that it is."""
        begun = self.collection is not None
        super().schedule()
        if begun:
            for node in self.nodes:
                self._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Take back what a worker has not done; the test that it died of counts as done.

        Returns:
            That test's id, or `None` if the worker had nothing left to do.
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
        """Run a test again; pytest-rerunfailures asks for it if it has tries left."""
        self.workqueue.setdefault(self._split_scope(item), {})[item] = False


def _is_left(unit: dict[str, bool]) -> bool:
    return not all(unit.values())
