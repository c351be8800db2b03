"""Messages between this page and the embedding page.

The embedding page is a page of another site that shows this page in a frame.
"""

from upload_page.browser import window
from upload_page.view.page.header import speak
from upload_page.view.signals import effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.view.actions import Actions
    from upload_page.view.model import QueueModel

__all__ = ["serve_embedding_page"]


async def serve_embedding_page(model: "QueueModel", actions: "Actions") -> None:
    """Send events to the embedding page and execute its commands from now on.

    These events are sent:

    - `ready`: the page accepts commands.
    - `progress`: one of the sums `files`, `done`, `failed`, `running`, `sent`, `size` changed.
    - `done`: all uploads have ended.

    The commands are `pause`, `resume`, `retry`, `clear`, `language` and `theme`.
    """
    frame = await window.Frame.open()
    commands: dict[str, Callable[[str], None]] = {
        "pause": lambda _: actions.pause_all(),
        "resume": lambda _: actions.resume_all(),
        "retry": lambda _: actions.retry_failed(),
        "clear": lambda _: actions.clear(),
        "language": lambda value: speak(value),
        "theme": lambda value: window.set_theme(value),
    }

    def receive(command: str, value: str) -> None:
        if command in commands:
            commands[command](value)

    frame.listen(receive)
    frame.tell("ready", None)
    was_running = [False]

    def tell_sums() -> None:
        sums = {
            "files": model.files.get(),
            "done": model.done.get(),
            "failed": model.failed.get(),
            "running": model.running.get(),
            "sent": model.sent.get(),
            "size": model.size.get(),
        }
        if not sums["files"]:
            return
        frame.tell("progress", sums)
        if was_running[0] and not sums["running"]:
            frame.tell("done", sums)
        was_running[0] = bool(sums["running"])

    effect(tell_sums)
