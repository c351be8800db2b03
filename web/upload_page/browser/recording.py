"""Camera, microphone and screen, and the recordings in the browser's storage (`recorder.js`)."""

import json

import js
from pyscript.ffi import create_proxy

from ossferry_uploader.browser.files import BrowserFile, file_from_js
from ossferry_uploader.browser.interop import JsException, reason_of, release
from ossferry_uploader.browser.streams import file_from_stream

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

    def start(
        self,
        number: str,
        words: str,
        *,
        most: int,
        tick: "Callable[[int], None]",
        ended: "Callable[[bool], None]",
    ) -> None:
        """Begin to record, and to store the recording under a number in hexadecimal.

        Args:
            words: how the name begins.
            most: the largest size of the recording in bytes.
            tick: called each second with the time in seconds.
            ended: called when the person has ended the sharing of the screen; or, with `True`, when
                the recording has its largest size.

        Raises:
            CannotRecordError: the browser cannot record.
        """
        self._proxies = [create_proxy(tick), create_proxy(ended)]
        reason = str(self._recording.start(number, words, float(most), *self._proxies))
        if reason:
            raise CannotRecordError(reason)

    def stream(self, part_size: int) -> "Any":
        """Return what is recorded as a `Stream` for `Queue.add`; it ends when `use` is called.

        Args:
            part_size: the size in bytes of the first parts.
        """
        recording = self._recording
        stream = file_from_stream(
            recording.chunks, str(recording.name), content_type=str(recording.type)
        )
        stream.part_size = part_size
        stream.modified = int(js.ossferry.text(recording, "modified"))
        return stream

    async def stop(self) -> "Any":
        """End the recording, and return it as a JavaScript `File`."""
        return await self._recording.stop()

    def use(self) -> None:
        """End the stream of a recording that has stopped."""
        self._recording.end()

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


async def note(number: str, record: str) -> None:
    """Store the record with which a later page continues the upload of a recording.

    Args:
        number: the number of the recording.
        record: JSON text, see `ossferry_uploader.transfer.journal.checkpoint`.
    """
    await js.ossferry.ask("recorder", "note", number, record)


async def forget(number: str) -> None:
    """Delete the recording with this number from the browser's storage."""
    await js.ossferry.ask("recorder", "forget", number)


async def stored(owner: str) -> "list[tuple[str, str, int]]":
    """Return `(number, record, size in bytes)` of each stored recording of a person.

    Args:
        owner: the key prefix of the person.
    """
    found = json.loads(str(await js.ossferry.ask("recorder", "kept", owner)))
    return [(number, record, size) for number, record, size in found]


async def restore(number: str, record: str) -> BrowserFile:
    """Return a stored recording as a file that can be stored with a record of an upload."""
    return file_from_js(await js.ossferry.ask("recorder", "restore", number, record))
