"""The dialog in which a person rotates and crops a picture before it is sent."""

from functools import partial

from ossferry_uploader.transfer.errors import CannotEdit, IllegalMove
from upload_page.browser.dom import element, set_attribute, set_text, show_toast, subscribe
from upload_page.browser.pictures import Picture
from upload_page.dialogs.dialog import Dialog
from upload_page.pictures.frame import CORNERS, MOVE, Frame
from upload_page.view.elements import button
from upload_page.view.words.text import number, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel

JPEG = "image/jpeg"
STEP = 0.02  # of a side, for an arrow key
ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}
POINTER = ("pointerdown", "pointermove", "pointerup", "pointercancel")


class _Editor:
    """The picture, the frame with its handles, and the buttons."""

    def __init__(self, item: "UploadModel", actions: "Actions") -> None:
        self._item = item
        self._actions = actions
        self._picture: Any = None
        self._frame = Frame((1, 1))
        self._held = ""  # the handle that a finger or the mouse holds
        self._from = (0.0, 0.0)
        self._before = self._frame.box
        self.dialog = Dialog("picture", say("details_picture"), wide=True)
        self._words = element("p", {"class": "hint", "role": "status"})
        self._canvas = element("canvas", {"role": "img", "aria-label": item.upload.name})
        self._box = element("div", {"class": "frame", "role": "group"})
        for handle in (MOVE,) + CORNERS:
            made = element("button", {"type": "button", "class": f"handle {handle}"})
            made.dataset.handle = handle
            set_attribute(made, "aria-label", say(f"picture_{handle}"))
            self._box.append(made)
        self._stage = element("div", {"class": "stage"}, self._canvas, self._box)
        self.dialog.body.append(self._words)

    async def open(self) -> None:
        """Decode the picture, and show it; a picture that cannot be edited is only named."""
        upload, owner = self._item.upload, self.dialog.owner
        try:
            self._picture = await Picture.open(upload.source)
        except CannotEdit:
            set_text(self._words, say("picture_cannot"))
            return
        self._frame = Frame(self._picture.size, ratio=self._actions.crop_ratio)
        self._frame.restore(upload.edit)
        turning = element("div", {"class": "turning"})
        for key, turns in (("picture_left", -1), ("picture_right", 1), ("picture_reset", 0)):
            turning.append(button("button small", say(key), partial(self._turn, turns), owner))
        hint = element("p", {"class": "hint"}, say("picture_hint"))
        self.dialog.body.append(self._stage, turning, hint)
        for event in POINTER:
            owner.on_dispose(subscribe(self._box, event, self._point))
        owner.on_dispose(subscribe(self._box, "keydown", self._press))
        self.dialog.offer("picture_use", self._use, main=True)
        self._show()

    def _turn(self, turns: int) -> None:
        if turns:
            self._frame.turn(turns)
        else:
            self._frame.reset()
        self._show()

    def _show(self) -> None:
        frame, style = self._frame, self._box.style
        self._picture.draw(self._canvas, frame.turns)
        for index, edge in enumerate(("left", "top", "width", "height")):
            whole = frame.height if index % 2 else frame.width
            style.setProperty(edge, f"{100 * frame.box[index] / whole}%")
        self._tell()

    def _tell(self) -> None:
        """Say how large the picture will be, and what is done to it."""
        width, height = self._frame.box[2:]
        said = say("picture_size", width=number(width), height=number(height))
        edit = self._frame.edit()
        if edit:
            is_lossless = self._item.upload.source.content_type == JPEG and not self._frame.crops()
            said += " " + say("picture_lossless" if is_lossless else "picture_encoded")
        set_text(self._words, said)

    def _point(self, event: "Element") -> None:
        kind = str(event.type)
        if kind == "pointerdown":
            self._held = str(event.target.dataset.handle)
            self._from = float(event.clientX), float(event.clientY)
            self._before = self._frame.box
            event.target.setPointerCapture(event.pointerId)
        elif kind == "pointermove" and self._held:
            scale = self._frame.width / float(self._stage.clientWidth)
            self._frame.box = self._before
            by = [float(event.clientX) - self._from[0], float(event.clientY) - self._from[1]]
            self._frame.drag(self._held, by[0] * scale, by[1] * scale)
            self._show()
        elif kind != "pointermove":
            self._held = ""

    def _press(self, event: "Element") -> None:
        arrow = ARROWS.get(str(event.key))
        if not arrow:
            return
        event.preventDefault()
        frame = self._frame
        step = 1.0 if event.shiftKey else max(STEP * max(frame.width, frame.height), 1.0)
        frame.drag(str(event.target.dataset.handle), arrow[0] * step, arrow[1] * step)
        self._show()

    def _use(self) -> None:
        try:
            self._actions.edit_picture(self._item, self._frame.edit())
        except IllegalMove:
            show_toast(say_count("details_begun", 1))
            return
        self.dialog.close()


async def show_picture(item: "UploadModel", actions: "Actions") -> None:
    """Open the dialog for the picture of an upload; return when it is closed."""
    editor = _Editor(item, actions)
    await editor.open()
    await editor.dialog.closed.wait()
