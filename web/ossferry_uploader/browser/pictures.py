"""Rotate and crop pictures with the browser's canvas (`web/page/canvas.js`)."""

import json

import js

from ossferry_uploader.browser.files import file_from_blob
from ossferry_uploader.browser.interop import JsException, reason_of
from ossferry_uploader.transfer.errors import CannotEdit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BrowserPictures:
    """Rotates and crops pictures; implements `transfer.ports.Pictures`."""

    async def edit(self, file: "Any", edit: "list[int]") -> "Any":
        """Return a `BrowserFile` with the edited picture; see `transfer.ports.Pictures`.

        Raises:
            CannotEdit: the browser cannot decode or encode the picture.
        """
        try:
            blob = await js.ossferry.ask("canvas", "edited", file.blob, json.dumps(edit))
        except JsException as error:
            raise CannotEdit(reason_of(error))
        kind = file.content_type
        return file_from_blob(blob, file.name, path=file.path, content_type=kind)
