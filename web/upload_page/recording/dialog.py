"""The dialog in which a person records a photo, a video, sound or the screen."""

from functools import partial

from upload_page.browser.dom import clear, element, set_attribute, set_text, subscribe
from upload_page.browser.recording import CannotRecordError, Recording, show_file, take
from upload_page.browser.window import start
from upload_page.dialogs.dialog import Dialog
from upload_page.recording.kept import KeptRecording, largest
from upload_page.view.elements import button
from upload_page.view.signals import Owner
from upload_page.view.words.text import gap, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions

SOUND, CAMERA = "sound", "camera"
MINUTE = 60  # seconds
REASONS = ("denied", "none")  # the other reasons are the browser's words


class _Recorder:
    """The dialog: the choice of a device, its live picture, the recording, and what was recorded.

    Args:
        kinds: what the operator and the browser allow: `camera`, `sound`, `screen`.
    """

    def __init__(self, kinds: "list[str]", actions: "Actions") -> None:
        self._kinds = kinds
        self._actions = actions
        self._kind = ""
        self._recording: Recording | None = None
        self._kept: KeptRecording | None = None  # the recording, until the person uses it
        self._opened = 0  # counts the choices of a device
        self._unsaved = False
        self._shown = Owner()  # of the buttons and of what is played
        self.dialog = Dialog("recording", say("record"), wide=True)
        self._words = element("p", {"class": "hint", "role": "status"})
        self._time = element("p", {"class": "recorded-time", "role": "timer", "hidden": ""})
        self._stage = element("div", {"class": "recorded"})
        self._buttons = element("div", {"class": "bulk"})
        self.dialog.body.append(self._words, self._stage, self._time, self._buttons)
        self.dialog.owner.on_dispose(self._leave)
        self.dialog.owner.on_dispose(subscribe(self.dialog.box, "cancel", self._escape))
        self._choose()

    def _offer(self, *offers: "tuple[str, Callable[[], None]]") -> None:
        """Replace the buttons, and give the first one the focus."""
        clear(self._buttons)
        for key, action in offers:
            kind = "button primary small" if key == offers[0][0] else "button small"
            self._buttons.append(button(kind, say(key), action, self._shown))
        self._buttons.firstChild.focus()

    def _escape(self, event: "Element") -> None:
        """Keep the dialog open when Escape would lose a recording; the cross still closes it."""
        if self._unsaved:
            event.preventDefault()

    def _leave(self) -> None:
        """Switch the device off, and delete what was recorded and not used."""
        self._opened += 1
        self._unsaved = False
        set_attribute(self.dialog.box, "closedby", None)
        if self._recording:
            self._recording.close()
        if self._kept:
            self._kept.discard()
        self._recording = self._kept = None
        self._shown.dispose()
        clear(self._stage)
        set_attribute(self._time, "hidden", "")

    def _choose(self) -> None:
        self._leave()
        set_text(self._words, say("record_choose"))
        self._offer_devices()

    def _offer_devices(self) -> None:
        self._offer(*[(f"record_{kind}", partial(self._ask, kind)) for kind in self._kinds])

    def _ask(self, kind: str) -> None:
        self._leave()
        self._kind = kind
        clear(self._buttons)
        set_text(self._words, say("record_permission"))
        start(self._open(kind, self._opened))

    async def _open(self, kind: str, number: int) -> None:
        try:
            opened = await Recording.open(kind, with_sound=SOUND in self._kinds)
        except CannotRecordError as error:
            self._fail(str(error))
            return
        if number != self._opened:  # the person has closed the dialog, or chosen another device
            opened.close()
            return
        self._recording = opened
        player = element("video", {"class": "preview", "playsinline": "", "autoplay": ""})
        player.muted = True  # else the microphone would hear itself
        set_attribute(player, "aria-label", say(f"record_{kind}"))
        has_picture = False
        if kind != SOUND:
            self._stage.append(player)
            has_picture = await opened.show(player)
            if number != self._opened:
                return
        set_text(self._words, say("record_ready"))
        offers = [("record_start", self._start), ("record_other", self._choose)]
        if kind == CAMERA and has_picture:
            offers = [("record_photo", lambda: start(self._finish(player)))] + offers
        self._offer(*offers)

    def _fail(self, reason: str) -> None:
        self._leave()
        key = f"record_{reason}" if reason in REASONS else "record_failed"
        set_text(self._words, say(key, reason=reason))
        self._offer_devices()

    def _start(self) -> None:
        recording, kept = self._recording, KeptRecording(self._actions)
        if recording:
            try:
                recording.start(
                    kept.number,
                    say("record_name"),
                    most=largest(self._actions.uploader.keeper.current),
                    tick=self._tick,
                    ended=self._stop,
                )
            except CannotRecordError as error:
                self._fail(str(error))
                return
            self._unsaved = True
            set_attribute(self.dialog.box, "closedby", "none")  # a second Escape skips `_escape`
            self._kept = kept
            self._tick(0)
            set_attribute(self._time, "hidden", None)
            self._offer(("record_stop", self._stop))
            start(self._begin(recording, kept))

    async def _begin(self, recording: Recording, kept: KeptRecording) -> None:
        await kept.begin(recording)
        if self._recording is recording:
            set_text(self._words, say("record_sends" if kept.live else "record_runs"))

    def _tick(self, seconds: int) -> None:
        set_text(self._time, f"{seconds // MINUTE}:{seconds % MINUTE:02d}")

    def _stop(self, is_full: bool = False) -> None:
        start(self._finish(None, is_full))

    async def _finish(self, player: "Element | None", is_full: bool = False) -> None:
        """Show what was recorded, or the photo that a `video` element shows now.

        Args:
            is_full: whether the recording has its largest size.
        """
        recording, self._recording = self._recording, None
        kept, number = self._kept, self._opened
        if not recording:
            return  # a person and the browser have ended it at once
        if player:
            made = await recording.photo(player, say("record_name_photo"))
        else:
            made = await recording.stop()
        recording.close()
        if number != self._opened:  # the person has closed the dialog
            if kept:
                kept.discard()  # with the chunks that came since
            return
        self._shown.dispose()
        clear(self._stage)
        tag = "img" if player else "audio" if self._kind == SOUND else "video"
        shown = element(tag, {"class": "preview"})
        set_attribute(shown, "alt" if player else "controls", "")
        self._shown.on_dispose(show_file(shown, made))
        self._stage.append(shown)
        self._words.replaceChildren(element("bdi", {"dir": "ltr"}, str(made.name)))
        if is_full:
            self._words.append(gap(), say("record_full"))
        set_attribute(self._time, "hidden", "")
        again = partial(self._ask, self._kind)
        self._offer(("record_use", lambda: self._use(recording, made)), ("record_again", again))

    def _use(self, recording: Recording, made: "Any") -> None:
        if self._kept:
            self._kept.use(recording, made)
            self._kept = None
        else:
            take(made)
        self.dialog.close()


async def show_recording(kinds: "list[str]", actions: "Actions") -> None:
    """Open the dialog; return when it is closed, and all devices are switched off."""
    await _Recorder(kinds, actions).dialog.closed.wait()
