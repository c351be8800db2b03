"""Runs the library's JavaScript file in a page or worker that has not run it yet."""

import js

SCRIPT = "ossferry_uploader.js"


def ensure_script() -> None:
    """Run the library's JavaScript file, unless the page has loaded it with a `<script>` tag.

    The file `ossferry_uploader.js` is in the folder of the Python package. It is executed with
    JavaScript's `eval`, which a Content-Security-Policy may forbid.

    Raises:
        JsException: the Content-Security-Policy forbids `eval`; the page must load the file with a
            `<script>` tag.
        OSError: the file is missing.
    """
    if getattr(js, "ossferry", None):
        return
    with open(f"{__file__.rpartition('/client/')[0]}/{SCRIPT}", encoding="utf-8") as file:
        js.eval(file.read())
