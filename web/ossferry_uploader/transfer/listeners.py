"""Call listeners when an upload changes; an exception in one does not affect the others."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.upload import Upload

    Listener = Callable[[Upload], None]


class Listeners:
    """A list of functions (listeners) that are called with each changed upload.

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
        """Call all listeners with an upload, and report the errors that they raise."""
        for listener in self._all:
            try:
                listener(upload)
            except Exception as error:
                self._report(error)
