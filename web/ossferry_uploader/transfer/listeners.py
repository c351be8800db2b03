"""Listeners for the changes of uploads. An exception in one listener does not affect others."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.upload import Upload

    Listener = Callable[[Upload], None]


class Listeners:
    """Holds functions (listeners), and calls all of them with each changed upload.

    `report(error)` is called with each error that one of the functions raises.
    """

    def __init__(self, report: "Callable[[Exception], None]") -> None:
        self._report = report
        self._all: list[Listener] = []

    def add(self, listener: "Listener") -> "Callable[[], None]":
        """Add a listener, and return a function that removes the listener."""
        self._all = self._all + [listener]

        def end() -> None:
            self._all = [other for other in self._all if other is not listener]

        return end

    def tell(self, upload: "Upload") -> None:
        """Call all listeners with this upload, and report the errors that listeners raise."""
        for listener in self._all:
            try:
                listener(upload)
            except Exception as error:
                self._report(error)
