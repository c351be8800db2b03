"""A virtual list: only uploads near the visible part of the page have rows in the document.

Uploads are grouped in chunks. An `IntersectionObserver` reports each chunk that comes near the
visible part or moves away from it. The list creates the rows of a near chunk, and removes the rows
of a distant chunk, which keeps its height. No code runs while a person scrolls within a chunk. Rows
may have different heights.
"""

from upload_page.browser.dom import (
    by_id,
    element,
    has_focus,
    set_attribute,
    set_height,
    watch_nearness,
)
from upload_page.view.signals import Owner, batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element
    from upload_page.view.model import UploadModel

    MakeRow = Callable[[UploadModel, Owner], Element]

CHUNK = 5  # rows
ALL_SHOWN = 40  # uploads; a list of up to this length has all its rows
FIRST_GUESS = 68.0  # px per row, until real rows were measured


class _Row:
    """A row in the document. `owner` stops the reactive functions that update the row."""

    def __init__(self, model: "UploadModel", make_row: "MakeRow") -> None:
        self.owner = Owner()
        self.model = model
        self.line = make_row(model, self.owner)

    def dispose(self) -> None:
        self.owner.dispose()
        self.line.remove()


class _Chunk:
    """Up to `CHUNK` successive uploads; `rows` is empty while the chunk is far from the window."""

    def __init__(self, number: int) -> None:
        self.models: list[UploadModel] = []
        self.box = element("div", {"role": "none", "data-chunk": str(number)})
        self.rows: list[_Row] = []
        self.shown = False


class VirtualList:
    """A list of uploads in the element `box`; only rows near the visible part of the page exist.

    Args:
        make_row: `make_row(model, owner)` returns the element that shows an upload. When the row is
            removed, `owner` is disposed of.
    """

    def __init__(self, box: "Element", make_row: "MakeRow") -> None:
        self._box = box
        self._make_row = make_row
        self._chunks: list[_Chunk] = []
        self._known: dict[int, _Chunk] = {}  # by number
        self._numbers = 0
        self._count = 0
        self._row_px = FIRST_GUESS
        self._observe, self._stop_observing = watch_nearness(self._moved)

    def show(self, wanted: "list[UploadModel]") -> None:
        """Show these uploads in the list, instead of those of the previous call.

        Args:
            wanted: all uploads to show. Uploads of the previous call may be missing, and new
                uploads must be at the end.
        """
        if len(wanted) < self._count:
            self._drop({id(model) for model in wanted})
        fresh = wanted[self._count :]
        self._count = len(wanted)
        for model in fresh:
            self._place(model)
        self._number()

    def order(self, wanted: "list[UploadModel]") -> None:
        """Put the shown uploads into another order; the parameter has exactly these uploads."""
        rows = {id(row.model): row for chunk in self._chunks for row in chunk.rows}
        start = 0
        for chunk in self._chunks:
            models = wanted[start : start + len(chunk.models)]
            start += len(models)
            if chunk.shown:
                chunk.rows = []
                for model in models:
                    row = rows.pop(id(model), None)
                    chunk.rows.append(row if row else _Row(model, self._make_row))
                if models != chunk.models:
                    chunk.box.append(*[row.line for row in chunk.rows])
            chunk.models = models
        for row in rows.values():  # now in a chunk that is not shown
            row.dispose()
        self._number()

    def reveal(self, model: "UploadModel") -> None:
        """Scroll to the row of an upload, and move the focus into it."""
        for chunk in self._chunks:
            if model in chunk.models:
                self._moved(int(chunk.box.dataset.chunk), True, 0.0)
                line = chunk.rows[chunk.models.index(model)].line
                line.querySelector(".actions button").focus()

    def close(self) -> None:
        """Remove all rows, and stop the observation of the scroll position."""
        self._stop_observing()
        for chunk in self._chunks:
            for row in chunk.rows:
                row.dispose()

    def _place(self, model: "UploadModel") -> None:
        chunk = self._chunks[-1] if self._chunks else None
        if chunk is None or len(chunk.models) >= CHUNK:
            self._numbers += 1
            chunk = self._known[self._numbers] = _Chunk(self._numbers)
            self._chunks.append(chunk)
            self._box.append(chunk.box)
            self._observe(chunk.box)
            chunk.shown = len(self._chunks) == 1
        chunk.models.append(model)
        if chunk.shown:
            self._add_row(chunk, model)
        else:
            self._keep_height(chunk)

    def _drop(self, kept: "set[int]") -> None:
        """Remove all uploads whose `id()` is not in `kept`."""
        for chunk in list(self._chunks):
            for index in range(len(chunk.models) - 1, -1, -1):
                if id(chunk.models[index]) in kept:
                    continue
                del chunk.models[index]
                self._count -= 1
                if chunk.shown:
                    row = chunk.rows.pop(index)
                    had_focus = has_focus(row.line)
                    row.dispose()
                    if had_focus:
                        self._focus_near(chunk, index)
            if not chunk.models:
                chunk.box.remove()
                self._chunks.remove(chunk)
                del self._known[int(chunk.box.dataset.chunk)]
            elif not chunk.shown:
                self._keep_height(chunk)

    def _focus_near(self, chunk: _Chunk, index: int) -> None:
        """Move the focus from a removed row to a neighbouring row, or to the file input.

        Args:
            index: the index of the removed row in the chunk.
        """
        if chunk.rows:
            chunk.rows[min(index, len(chunk.rows) - 1)].line.querySelector("button").focus()
        else:
            by_id("files").focus()

    def _moved(self, number: int, near: bool, height_px: float) -> None:
        """Add the rows of a chunk near the window, or remove the rows of a distant chunk.

        Args:
            number: the number of the chunk.
            height_px: the present height of the chunk.
        """
        chunk = self._known.get(number)
        if chunk is None:
            return
        if not chunk.shown and (near or self._count <= ALL_SHOWN):
            chunk.shown = True
            set_height(chunk.box, None)
            batch(lambda: self._add_rows(chunk))
            self._number(chunk)
        elif not near and chunk.shown and self._count > ALL_SHOWN and not has_focus(chunk.box):
            for row in chunk.rows:
                row.dispose()
            chunk.rows = []
            chunk.shown = False
            self._row_px = height_px / len(chunk.models)
            self._keep_height(chunk)

    def _add_rows(self, chunk: _Chunk) -> None:
        for model in chunk.models:
            self._add_row(chunk, model)

    def _add_row(self, chunk: _Chunk, model: "UploadModel") -> None:
        row = _Row(model, self._make_row)
        chunk.rows.append(row)
        chunk.box.append(row.line)

    def _keep_height(self, chunk: _Chunk) -> None:
        set_height(chunk.box, self._row_px * len(chunk.models))

    def _number(self, only: "_Chunk | None" = None) -> None:
        """Set `aria-posinset` and `aria-setsize` of the rows if the list exceeds `ALL_SHOWN`.

        Assistive technology needs these attributes if the document does not contain all rows.

        Args:
            only: the chunk whose rows are new; `None` for all rows.
        """
        if self._count <= ALL_SHOWN:
            return
        before = 0
        for chunk in self._chunks:
            if chunk.shown and only in (None, chunk):
                for index, row in enumerate(chunk.rows):
                    set_attribute(row.line, "aria-posinset", str(before + index + 1))
                    set_attribute(row.line, "aria-setsize", str(self._count))
            if chunk is only:
                break
            before += len(chunk.models)
