"""Sentences, numbers and times in a person's words and language.

A language is its sentences (`locales/*.json`) and its `Formats`; `use` sets both. `language` is a
signal: what follows it is said again when the language changes.
"""

from uploader.view.signals import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

__all__ = [
    "ago",
    "count_files",
    "direction",
    "language",
    "moment",
    "number",
    "percent",
    "say",
    "say_count",
    "size_text",
    "time_left",
    "time_of_day",
    "types_text",
    "use",
]

UNITS = ("kB", "MB", "GB", "TB")
KINDS = ("audio", "font", "image", "text", "video")  # of files, with a word of their own
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
ISOLATES = ("\u2068", "\u2069")  # keep `49 MB` together, whichever way the sentence goes
SHORT_NAME = 5  # letters of a content type that people know, such as PDF

language = Signal("")


if TYPE_CHECKING:

    class Formats(Protocol):
        """How a language writes numbers and times; in the page, `Intl` knows."""

        @property
        def decimal(self) -> str:
            """What stands before the decimals."""

        @property
        def group(self) -> str:
            """What stands between thousands."""

        @property
        def percent(self) -> str:
            """A pattern like `0%`."""

        def plural(self, count: int) -> str:
            """Return `one` or `other`."""

        def time(self, at_s: float) -> str:
            """Return the time of day."""

        def moment(self, at_s: float) -> str:
            """Return day and time."""

        def ago(self, count: int, unit: str) -> str:
            """Return how long ago something was; `unit` as in `day`."""


class _Spoken:
    def __init__(self) -> None:
        self.sentences: dict[str, str] = {}
        self.formats: Any = None  # Formats
        self.hole = ("", "")  # what stands around a value in a sentence


_spoken = _Spoken()


def use(code: str, sentences: "dict[str, str]", formats: "Formats") -> None:
    """Speak another language from now on."""
    _spoken.sentences = sentences
    _spoken.formats = formats
    _spoken.hole = ISOLATES if direction(code) == "rtl" else ("", "")
    language.set(code)


def direction(code: str) -> str:
    """Return `rtl` for a language that is written from the right, else `ltr`."""
    return "rtl" if code in RIGHT_TO_LEFT else "ltr"


def say(key: str, **values: object) -> str:
    """Return a sentence; `{name}` in it stands for the value of that name, put in as plain text."""
    out = ""
    before_value, after_value = _spoken.hole
    rest = _spoken.sentences[key]
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        out += before + before_value + str(values[name]) + after_value
    return out + rest


def say_count(key: str, count: int, **values: object) -> str:
    """Return the sentence `<key>_one` or `<key>_other`, with `{count}` in it."""
    return say(f"{key}_{_spoken.formats.plural(count)}", count=number(count), **values)


def number(value: int) -> str:
    """Return `2,000`."""
    digits = str(value)
    out = digits[-3:]
    while len(digits) > 3:
        digits = digits[:-3]
        out = digits[-3:] + _spoken.formats.group + out
    return out


def percent(part: int, whole: int) -> str:
    """Return `71%`, rounded down, so that 100 is only said when it is all."""
    share = 100 * part // whole if whole else 0
    return str(_spoken.formats.percent).replace("0", str(share))


def count_files(count: int) -> str:
    """Return `1 file` or `8 files`."""
    return say_count("files", count)


def size_text(size: float) -> str:
    """Return bytes as `812 B`, `1.1 MB` or `48.8 TB`, in powers of 1,000.

    The space does not break.
    """
    if size < 1000:
        return f"{int(size)}\u00a0B"
    size /= 1000
    index = 0
    while size >= 999.5 and index < len(UNITS) - 1:
        size /= 1000
        index += 1
    unit = UNITS[index]
    if size >= 99.95:
        return f"{number(int(size + 0.5))}\u00a0{unit}"
    return f"{size:.1f}\u00a0{unit}".replace(".", _spoken.formats.decimal)


def types_text(types: "list[str]") -> str:
    """Return `images, PDF, .csv` for `image/*`, `application/pdf` and `.csv`."""
    return say("comma").join([_type_text(each) for each in types])


def _type_text(pattern: str) -> str:
    kind, _, name = pattern.partition("/")
    if name == "*" and kind in KINDS:
        return say(f"kind_{kind}")
    if name.isalpha() and len(name) <= SHORT_NAME:
        return name.upper()
    return pattern


def ago(seconds: float) -> str:
    """Return how long ago something was: minutes, hours or days."""
    for unit, unit_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= unit_s:
            return str(_spoken.formats.ago(int(seconds // unit_s), unit))
    return say("ago_now")


def time_left(seconds: float) -> str:
    """Return a calm guess: steps of 5 s, then minutes, then hours."""
    if seconds < 55:
        return say("left_seconds", count=max(5, 5 * int((seconds + 4.999) // 5)))
    if seconds < 3570:
        return say("left_minutes", count=int((seconds + 30) // 60) or 1)
    return say("left_hours", count=int((seconds + 1800) // 3600) or 1)


def moment(at_s: float) -> str:
    """Return day and time, as the language writes them."""
    return str(_spoken.formats.moment(at_s))


def time_of_day(at_s: float) -> str:
    """Return `15:40`, as the language writes it."""
    return str(_spoken.formats.time(at_s))
