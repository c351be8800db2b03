"""A person changes the order of the waiting files, with the keyboard or by dragging."""

from ossferry_uploader.oss.keys import safe_name
from upload_page.browser.dom import show_toast
from upload_page.browser.dragging import drop_place
from upload_page.view.words.text import number as written
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.view.actions import Actions


async def move_row(number: int, step: int, actions: "Actions", from_px: float = 0.0) -> None:
    """Move a waiting upload to the place of another waiting one, and say so.

    Args:
        number: the upload's number in the queue.
        step: 1 for the place of the next waiting upload, -1 for that of the previous one, 0 for
            that on whose row a person drops this one.
        from_px: if a person drags the row, its distance from the top of the document.
    """
    onto = 0 if step else await drop_place(from_px)
    waiting = actions.waiting()
    numbers = [item.upload.number for item in waiting]
    if number not in numbers:  # it has begun in the meantime
        return
    index = numbers.index(number)
    if onto in numbers:
        step = numbers.index(onto) - index
    to = index + step
    if step == 0 or not 0 <= to < len(waiting):
        return
    item = waiting[index]
    follows = waiting[to + (step > 0) :]
    actions.move(item, follows[0] if follows else None)
    if not onto:
        actions.reveal(item)  # the focus stays in the row
    name = safe_name(item.upload.name)
    show_toast(say("moved", name=name, place=written(to + 1), last=written(len(waiting))))
