"""English texts and number formats for tests without a browser."""

import json

from upload_page.view.words.text import use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PLACES = ("upload_page", "web/upload_page")  # in an interpreter, in the checkout
FILES = ("locales/en.json", "dialogs/locales/en.json")


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
    sentences: dict[str, Any] = {}
    for name in FILES:
        sentences.update(json.loads(_read(name)))
    use("en", sentences, PlainFormats())


def _read(name: str) -> str:
    for place in PLACES:
        try:
            with open(f"{place}/{name}", encoding="utf-8") as file:  # noqa: PTH123 - no pathlib
                return file.read()
        except OSError:
            continue
    raise OSError("there are no English sentences")
