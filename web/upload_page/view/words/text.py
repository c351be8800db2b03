"""Sentences, numbers and times in the person's language.

A language consists of sentences (`locales/*.json`) and an object like `Formats`; the function `use`
sets both. In place of a sentence with a count, there is an object with one sentence for each plural
category of the language. `language` is a signal: when it changes, all effects that read it run
again.
"""

from upload_page.view.signals import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

UNITS = ("kB", "MB", "GB", "TB")
KINDS = ("audio", "font", "image", "text", "video")  # of content types; each has a sentence
NO_GAP = ("ja", "zh-CN", "zh-TW")  # the full stop of these languages has its own space
FINAL = ".!?…。！？؟۔"  # punctuation at the end of a sentence
CLOSING = " )]}\"'”’»」』）】"  # can follow it
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
ISOLATES = ("\u2068", "\u2069")  # keep the order of `49 MB` in a right-to-left sentence
SHORT_NAME = 5  # characters; a content type with a longer name is shown in full
# by the last word of a content type
KNOWN = {"document": "DOCX", "presentation": "PPTX", "quicktime": "MOV", "sheet": "XLSX"}

language = Signal("")


if TYPE_CHECKING:

    class Formats(Protocol):
        """Interface of an object that formats numbers and times in one language.

        In the page, `upload_page.browser.language.Intl` implements it.
        """

        @property
        def decimal(self) -> str:
            """The separator between the integer part and the decimals of a number, such as `.`."""

        @property
        def group(self) -> str:
            """The separator between thousands, such as `,`."""

        @property
        def percent(self) -> str:
            """The pattern of a percentage, such as `0%`, in which `0` stands for the number."""

        def plural(self, count: int) -> str:
            """Return the plural category of a number in this language, such as `one` or `few`."""

        def time(self, at_s: float) -> str:
            """Format a time in seconds since 1970 as a time of day, such as `15:40`."""

        def moment(self, at_s: float) -> str:
            """Format a time in seconds since 1970 as date and time of day in this language."""

        def ago(self, count: int, unit: str) -> str:
            """Return an age as text in this language, such as `3 days ago`.

            Args:
                unit: an English unit of time, such as `day`.
            """


class _Current:
    """The sentences and formats of the current language."""

    def __init__(self) -> None:
        self.sentences: dict[str, Any] = {}  # {key: sentence, or {plural form: sentence}}
        self.added: dict[str, dict[str, Any]] = {}  # those of `use_more`, by language code
        self.more: dict[str, Any] = {}  # those in the current language
        self.formats: Any = None  # Formats
        self.around_value = ("", "")  # put before and after each value in a sentence


_current = _Current()


def use(code: str, sentences: "dict[str, Any]", formats: "Formats") -> None:
    """Set the language in which the functions of this module return texts.

    Args:
        code: a language code such as `zh-CN`.
        sentences: `{key: sentence}`; for a sentence that depends on a count, the value is `{plural
            category: sentence}`.
        formats: the formats of numbers and times in this language.
    """
    _current.sentences = sentences
    _current.more = _current.added.setdefault(code, {})
    _current.formats = formats
    _current.around_value = ISOLATES if direction(code) == "rtl" else ("", "")
    language.set(code)


def use_more(sentences: "dict[str, dict[str, Any]]") -> None:
    """Add sentences, which replace those with the same keys.

    Args:
        sentences: the sentences in one or more languages, as `{language code: {key: sentence}}`.
    """
    for code in sentences:
        _current.added.setdefault(code, {}).update(sentences[code])


def _sentence(key: str) -> "Any":
    return _current.more.get(key) or _current.sentences[key]


def direction(code: str) -> str:
    """Return the writing direction of a language: `rtl` for right to left, else `ltr`.

    Args:
        code: a language code such as `ar`.
    """
    return "rtl" if code in RIGHT_TO_LEFT else "ltr"


def gap() -> str:
    """Return the text that separates two sentences: a space, or nothing in Chinese and Japanese."""
    return "" if language.get() in NO_GAP else " "


def ended(text: str) -> str:
    """Return a text with a full stop added, unless punctuation such as `.` or `?` already ends it.

    Another sentence can then follow the text.
    """
    at = len(text) - 1
    while at > 0 and text[at] in CLOSING:  # MicroPython's `rstrip` would remove bytes of characters
        at -= 1
    if text[at : at + 1] in FINAL:
        return text
    return text.rstrip() + ("。" if language.get() in NO_GAP else ".")


def say(key: str, **values: object) -> str:
    """Return the sentence with this key in the current language.

    Args:
        values: each `{name}` in the sentence is replaced by the value with this name.
    """
    return _filled(_sentence(key), values)


def _filled(rest: str, values: "dict[str, object]") -> str:
    out = ""
    before_value, after_value = _current.around_value
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        out += before + before_value + str(values[name]) + after_value
    return out + rest


def say_count(key: str, count: int, **values: object) -> str:
    """Return the sentence with this key in the plural form for `count`, in the current language.

    If the language has no sentence for this form, the form `other` is used.

    Args:
        values: each `{name}` in the sentence is replaced by the value with this name; `{count}` is
            replaced by the number.
    """
    forms = _sentence(key)
    values["count"] = number(count)
    return _filled(forms.get(_current.formats.plural(count)) or forms["other"], values)


def number(value: int) -> str:
    """Return an integer of 0 or more as text with separators between thousands, such as `2,000`."""
    digits = str(value)
    out = digits[-3:]
    while len(digits) > 3:
        digits = digits[:-3]
        out = digits[-3:] + _current.formats.group + out
    return out


def percent(part: int, whole: int) -> str:
    """Return `part` as a percentage of `whole`, such as `71%`; `0%` if `whole` is 0.

    The percentage is rounded down, so that `100%` means that nothing is missing.
    """
    share = 100 * part // whole if whole else 0
    return str(_current.formats.percent).replace("0", str(share))


def count_files(count: int) -> str:
    """Return a number of files as text in the current language, such as `1 file` or `8 files`."""
    return say_count("files", count)


def size_text(size: float) -> str:
    """Return a number of bytes as text, such as `812 B`, `1.1 MB` or `48.8 TB`.

    Units are powers of 1,000. A no-break space separates number and unit.
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
    return f"{size:.1f}\u00a0{unit}".replace(".", _current.formats.decimal)


def types_text(types: "list[str]") -> str:
    """Return file types as text: `images, PDF, .csv` for `image/*`, `application/pdf`, `.csv`."""
    return say("comma").join([_type_text(kind) for kind in types])


def _type_text(pattern: str) -> str:
    kind, _, name = pattern.partition("/")
    if name == "*" and kind in KINDS:
        return say(f"kind_{kind}")
    if name[:2].isalpha() and len(name) <= SHORT_NAME:
        return name.upper()
    return KNOWN.get(name.rpartition(".")[2], pattern)


def ago(seconds: float) -> str:
    """Return an age in seconds as text, such as `3 days ago` or `a moment ago`."""
    for unit, unit_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= unit_s:
            return str(_current.formats.ago(int(seconds // unit_s), unit))
    return say("ago_now")


def time_left(seconds: float) -> str:
    """Return a remaining time as text, such as `about 5 min left`.

    The time is rounded to 5 seconds, to minutes or to hours.
    """
    if seconds < 55:
        return say_count("left_seconds", max(5, 5 * int((seconds + 4.999) // 5)))
    if seconds < 3570:
        return say_count("left_minutes", int((seconds + 30) // 60) or 1)
    return say_count("left_hours", int((seconds + 1800) // 3600) or 1)


def moment(at_s: float) -> str:
    """Return the local date and time in the current language, for a time in seconds since 1970."""
    return str(_current.formats.moment(at_s))


def time_of_day(at_s: float) -> str:
    """Return the local time of day, such as `15:40`, for a time in seconds since 1970."""
    return str(_current.formats.time(at_s))
