"""Runs the library's script, which the engine calls, in a page or worker that has not run it."""

import js

SCRIPT = "ossferry_uploader.js"


def ensure_script() -> None:
    """Run the script `ossferry_uploader.js`, unless the page has loaded it with a `<script>` tag.

    The script is next to the package's modules. It is executed with JavaScript's `eval`, which a
    Content-Security-Policy may forbid.

    Raises:
        JsException: the Content-Security-Policy forbids `eval`; load the script with a tag.
        OSError: the file of the script is missing.
    """
    if getattr(js, "ossferry", None):
        return
    with open(f"{__file__.rpartition('/client/')[0]}/{SCRIPT}", encoding="utf-8") as file:
        js.eval(file.read())
