"""Send events to the page of another site that embeds this page.

The docstring of `serve_embedding_page` lists the events.
"""

from ossferry_uploader.oss.errors import Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused, ServerRefused
from upload_page.view.signals import effect
from upload_page.view.words.messages import explain
from upload_page.view.words.text import language, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.upload import Upload
    from upload_page.browser.window import Frame
    from upload_page.view.actions import Actions
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel

SIGNED_OUT = 401
NO_COOKIES = (
    "Without getToken, cookies identify the person, and frames of another site get no cookies."
)
NO_TOKEN = "no-token"  # noqa: S105 - the code of an error
TEXTS = ("form_required", "form_running")


def send_texts(frame: "Frame") -> None:
    """Send the embedding page the sentences that it shows while its HTML form cannot be sent.

    The sentences, such as "Please upload a file.", are in the language of this page, and are sent
    again after each change of this language. The event is `texts`.
    """

    def tell_texts() -> None:
        language.get()
        frame.tell("texts", {name: say(name) for name in TEXTS})

    effect(tell_texts)


def send_results(frame: "Frame", actions: "Actions") -> None:
    """From now on, tell the embedding page about the end of each upload.

    The event is `upload` if the file is stored or a deleted file was restored, `error` if the
    upload has failed, and `removed` if a stored file was deleted or removed from the list.
    """
    uploader = actions.uploader
    sent: dict[int, str] = {}  # the last state of each upload, by its number

    def tell_end(upload: "Upload") -> None:
        if sent.get(upload.number) == upload.state:
            return
        sent[upload.number] = upload.state
        if upload.state == states.DONE:
            frame.tell("upload", _result(upload, uploader.url_of(upload.key)))
        elif upload.state == states.FAILED:
            frame.tell("error", _failure(upload, actions.origin))

    actions.on_removed = lambda uploads: frame.tell(
        "removed", {"keys": [upload.key for upload in uploads]}
    )
    actions.on_restored = lambda upload: frame.tell(
        "upload", _result(upload, uploader.url_of(upload.key))
    )
    uploader.queue.on_change(tell_end)


def _result(upload: "Upload", url: str) -> "dict[str, Any]":
    return {
        "name": upload.name,
        "path": upload.file.path,
        "key": upload.key,
        "url": url,
        "size": upload.file.size,
        "type": upload.target.content_type,
        "crc64": upload.crc64,
        "requestId": upload.request_id,
        "identical": upload.identical,
        "metadata": upload.options.metadata,
    }


def _failure(upload: "Upload", origin: str) -> "dict[str, Any]":
    error: Any = upload.error
    is_answer = isinstance(error, (Refused, ServerRefused))
    code = error.code if is_answer else ""
    return {
        "name": upload.name,
        "path": upload.file.path,
        "size": upload.file.size,
        "code": code or _code(type(error).__name__),
        "message": explain(error, origin=origin).sentence,
        "requestId": error.request_id if isinstance(error, Refused) else "",
    }


def _code(name: str) -> str:
    """Return the name of an error as a code: `WrongType` becomes `wrong-type`."""
    words = "".join([f"-{letter.lower()}" if letter.isupper() else letter for letter in name])
    return words[1:]


def send_sums(frame: "Frame", model: "QueueModel") -> None:
    """From now on, send the numbers of files and bytes to the embedding page after each change.

    The event is `progress`. When all uploads have ended, the event `done` follows.
    """
    latest = {"files": 0, "running": 0, "failed": 0}

    def tell_sums() -> None:
        sums = {
            "files": model.files.get(),
            "done": model.done.get(),
            "failed": model.failed.get(),
            "running": model.running.get(),
            "sent": model.sent.get(),
            "size": model.size.get(),
        }
        if not sums["files"] and not latest["files"]:
            return  # nothing was added yet
        frame.tell("progress", sums)
        has_news = latest["running"] or sums["failed"] > latest["failed"]
        if has_news and sums["files"] and not sums["running"]:
            frame.tell("done", sums)
        latest.update(sums)

    effect(tell_sums)


def send_sign_in(frame: "Frame", grant: "GrantModel", is_by_token: "Callable[[], bool]") -> None:
    """From now on, send the event `error` to the embedding page when nobody is signed in.

    Nobody is signed in if the server refuses a grant because it does not know who the person is.
    The same error is sent only once until the server has issued a grant again.

    Args:
        is_by_token: returns whether the embedding page identifies the person with a token. If not,
            the message of the event also says that frames of another site get no cookies.
    """
    latest = ""

    def tell_error() -> None:
        nonlocal latest
        error: Any = grant.error.get()
        if not error:
            latest = ""
        is_new = isinstance(error, GrantRefused) and error.code != NO_TOKEN  # the site knows that
        if is_new and error.status == SIGNED_OUT:
            message = explain(error, origin="").sentence
            if not is_by_token():
                message += f" {NO_COOKIES}"
            if message != latest:
                frame.tell("error", {"code": error.code, "message": message})
            latest = message

    effect(tell_error)
