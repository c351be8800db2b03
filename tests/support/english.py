"""English texts and number formats for tests without a browser."""

import json

from upload_page.view.words.text import use

PLACES = ("upload_page/locales/en.json", "web/upload_page/locales/en.json")  # interpreter, checkout


class PlainFormats:
    """English formats, as `Intl` produces them."""

    decimal = "."
    group = ","
    percent = "0%"

    def plural(self, count: int) -> str:
        return "one" if count == 1 else "other"

    def time(self, at_s: float) -> str:
        return f"at {at_s:.0f}"

    def moment(self, at_s: float) -> str:
        return f"at {at_s:.0f}"

    def ago(self, count: int, unit: str) -> str:
        return f"{count} {unit}{'s' if count != 1 else ''} ago"


def speak_english() -> None:
    """Make the view use English."""
    use("en", json.loads(_read()), PlainFormats())


def _read() -> str:
    for place in PLACES:
        try:
            with open(place, encoding="utf-8") as file:  # noqa: PTH123 - MicroPython has no pathlib
                return file.read()
        except OSError:
            continue
    raise OSError("there are no English sentences")
