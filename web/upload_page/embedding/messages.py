"""Exchange messages with the embedding page, which shows this page in a frame.

The embedding page usually belongs to another site.
"""

import json

from ossferry_uploader.transfer.errors import BadOptions
from upload_page.browser import language as browser_language
from upload_page.browser import window
from upload_page.embedding.events import send_results, send_sign_in, send_sums, send_texts
from upload_page.embedding.options import RESULTS, read_options
from upload_page.view.page.header import languages, speak
from upload_page.view.signals import effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.view.actions import Actions
    from upload_page.view.adding import Adding
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel

TAGS = "tags"  # an option, and a feature of grants
BAD_OPTIONS = "bad-options"


async def serve_embedding_page(
    model: "QueueModel",
    grant: "GrantModel",
    actions: "Actions",
    adding: "Adding",
    begin: "Callable[[], None]",
) -> None:
    """Apply the options of the embedding page, send events to it, and execute its commands.

    The server gives the embedding page a level: `counts` (it learns only numbers), `results` (also
    names and object keys) or `none` (it may not embed this page). These events are sent:

    - `ready`: this page accepts commands; the event contains the level.
    - `texts`: sentences for the validation of a form, in the language of this page.
    - `progress`: one of the sums `files`, `done`, `failed`, `running`, `sent`, `size` has changed.
    - `done`: all uploads have ended.
    - `adding`: adding chosen files to the list has begun or ended; the event has true or false.
    - `error`: wrong options, or nobody is signed in; with `results`, also a failed upload.
    - `upload`, `removed` (only with `results`): a file was stored or restored; or a stored file was
      deleted, or removed from the list.

    The command `options` brings new options. `pause` and `resume` concern all uploads, `retry` all
    failed ones. `clear` removes ended uploads from the list, `empty` cancels and removes all.

    Args:
        begin: called once, when the options are valid for the first time.
    """
    frame = await window.Frame.open()
    level = await frame.level()
    options = _Options(frame, level, grant, actions, adding, begin)

    def empty() -> None:
        adding.drop()
        actions.empty()

    commands: dict[str, Callable[[], None]] = {
        "pause": actions.pause_all,
        "resume": actions.resume_all,
        "retry": actions.retry_failed,
        "clear": actions.clear,
        "empty": empty,
    }

    def receive(command: str, value: str) -> None:
        if command == "options":
            options.apply(json.loads(value))
        elif command in commands:
            commands[command]()

    given = await frame.options()
    frame.listen(receive)
    options.apply(given)
    effect(options.check_tags)
    send_texts(frame)
    effect(lambda: frame.tell("adding", adding.pending.get() > 0))
    frame.tell("ready", {"level": level})
    if level == RESULTS:
        send_results(frame, actions)
    send_sums(frame, model)
    send_sign_in(frame, grant, options.is_by_token)


class _Options:
    """Applies the options of the embedding page."""

    def __init__(
        self,
        frame: window.Frame,
        level: str,
        grant: "GrantModel",
        actions: "Actions",
        adding: "Adding",
        begin: "Callable[[], None]",
    ) -> None:
        self._frame = frame
        self._level = level
        self._grant = grant
        self._actions = actions
        self._adding = adding
        self._begin: Callable[[], None] | None = begin
        self._language = self._theme = ""
        self._given: dict[str, Any] = {}
        self._may_tag = True  # until a grant says something else

    def is_by_token(self) -> bool:
        """Whether the site identifies the person with a token."""
        return bool(self._given.get("by_token"))

    def check_tags(self) -> None:
        """Apply options with tags again if a grant says that tags are not allowed, or are again."""
        grant = self._grant.grant.get()
        may_tag = not grant or TAGS in grant.features
        if may_tag == self._may_tag:
            return
        self._may_tag = may_tag
        if self._given.get(TAGS):
            self.apply(self._given)

    def apply(self, given: "dict[str, Any]") -> None:
        """Apply options. While they are not valid, files wait."""
        self._given = given
        try:
            chosen = read_options(given, self._level, languages(), may_tag=self._may_tag)
        except BadOptions as error:
            self._adding.close()
            self._grant.bad_options.set(error)
            self._frame.tell("error", {"code": BAD_OPTIONS, "message": str(error)})
            return
        self._actions.uploader.queue.options = chosen.options
        self._actions.uploader.limit(chosen.limits)
        self._actions.crop_ratio = chosen.crop_ratio
        self._adding.asks, self._adding.holds = chosen.asks, chosen.holds
        offers_sign_in = not chosen.by_token and not self._frame.is_of_other_site()
        self._actions.offers_sign_in.set(offers_sign_in)
        if chosen.language != self._language:
            self._language = chosen.language
            speak(chosen.language or browser_language.chosen(), remember=False)
        if chosen.theme != self._theme:
            self._theme = chosen.theme
            window.set_theme(chosen.theme or "auto", remember=False)
        self._grant.bad_options.set(None)
        self._adding.open()
        if self._begin:
            self._begin()
            self._begin = None
