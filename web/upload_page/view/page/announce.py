"""Announce progress to screen readers, and show notifications while the page is hidden.

Each milestone of the uploads, and each failure, is announced once.
"""

from ossferry_uploader.oss.keys import safe_name
from ossferry_uploader.transfer import states
from upload_page.browser.dom import by_id, set_text
from upload_page.browser.window import notify_if_away
from upload_page.view.signals import effect
from upload_page.view.words.messages import explain
from upload_page.view.words.milestones import Milestones
from upload_page.view.words.text import gap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.view.model import QueueModel, UploadModel

NAMED = 3  # failures with name and reason in one announcement; more are only counted


def announce(model: "QueueModel", origin: str) -> None:
    """Announce milestones of the uploads to screen readers from now on, such as start and end.

    If the page is hidden when all uploads have ended, the person also gets a notification.

    Args:
        origin: scheme, host and port of this page, for explanations of CORS errors.
    """
    milestones = Milestones()

    def follow() -> None:
        size = model.size.get()
        words = milestones.update(
            running=model.running.get(),
            files=model.files.get(),
            done=model.done.get(),
            failed=model.failed.get(),
            asks=model.asks.get(),
            lacks=model.lacks.get(),
            percent=100 * model.sent.get() // size if size else 0,
        )
        if words:
            set_text(by_id("announce"), f"{words} {_failures(model, origin)}".strip())
            if not model.running.get():
                notify_if_away(words)

    effect(follow)


def _failures(model: "QueueModel", origin: str) -> str:
    """Return a text with the names and reasons of failures that were not announced yet.

    The text contains at most `NAMED` failures. It is empty if there are no new failures.
    """
    if not model.failed.get():
        return ""
    fresh = [item for item in model.rows.get() if not item.announced and _has_failed(item)]
    for item in fresh:
        item.announced = True
    return gap().join(
        [
            f"{safe_name(item.upload.name)}: " + explain(item.upload.error, origin=origin).sentence
            for item in fresh[:NAMED]
        ]
    )


def _has_failed(item: "UploadModel") -> bool:
    return item.upload.state == states.FAILED and item.upload.error is not None
