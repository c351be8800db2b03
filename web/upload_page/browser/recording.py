"""Camera, microphone and screen (`web/page/recorder.js`)."""

import js
from pyscript.ffi import create_proxy

from ossferry_uploader.browser.interop import JsException, reason_of, release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class CannotRecordError(Exception):
    """Raised if nothing can be recorded: `denied`, `none` (no device), or the browser's error."""


class Recording:
    """A camera, a microphone or a shared screen that is switched on."""

    def __init__(self, recording: "Any") -> None:
        self._recording = recording
        self._proxies: list[Any] = []

    @classmethod
    async def open(cls, kind: str, *, with_sound: bool) -> "Recording":
        """Ask the person for permission, and switch a device on.

        Args:
            kind: `camera`, `sound` or `screen`.
            with_sound: whether camera and screen are recorded with sound.

        Raises:
            CannotRecordError: there is no permission, or no device.
        """
        try:
            return cls(await js.ossferry.ask("recorder", "open", kind, with_sound))
        except JsException as error:
            raise CannotRecordError(reason_of(error).rpartition("Error: ")[2])

    async def show(self, player: "Any") -> bool:
        """Show the live picture in a `video` element; return whether the browser has one."""
        return bool(await self._recording.show(player))

    def start(self, tick: "Callable[[int], None]", ended: "Callable[[], None]") -> None:
        """Begin to record.

        Raises:
            CannotRecordError: the browser cannot record.

        Args:
            tick: called each second with the time in seconds.
            ended: called when the person has ended the sharing of the screen.
        """
        self._proxies = [create_proxy(tick), create_proxy(ended)]
        reason = str(self._recording.start(self._proxies[0], self._proxies[1]))
        if reason:
            raise CannotRecordError(reason)

    async def stop(self, words: str) -> "Any":
        """End the recording, and return it as a JavaScript `File` whose name begins with words."""
        return await self._recording.stop(words)

    async def photo(self, player: "Any", words: str) -> "Any":
        """Return the picture in a `video` element as a JavaScript `File`."""
        return await self._recording.photo(player, words)

    def close(self) -> None:
        """Switch the device off."""
        self._recording.close()
        for proxy in self._proxies:
            release(proxy)
        self._proxies = []


def show_file(player: "Any", file: "Any") -> "Callable[[], None]":
    """Show a JavaScript `File` in an element; the returned function frees its address."""
    address = js.URL.createObjectURL(file)
    player.src = address
    return lambda: js.URL.revokeObjectURL(address)


def take(file: "Any") -> None:
    """Add a JavaScript `File` to the list, as if a person had chosen it."""
    js.ossferry.take(js.Array.of(file))
