"""Sentences, sizes and times in a person's words. The language is English so far."""

from uploader.locales import en

__all__ = ["ago", "count_files", "say", "size_text", "time_left"]

_UNITS = ("kB", "MB", "GB", "TB")


def say(key: str, **values: object) -> str:
    """Return a sentence; `{name}` in it stands for the value of that name, put in as plain text."""
    out = ""
    rest = en.SENTENCES[key]
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        out += before + str(values[name])
    return out + rest


def count_files(count: int) -> str:
    """Return `1 file` or `8 files`."""
    return say("files_one" if count == 1 else "files_other", count=count)


def size_text(size: float) -> str:
    """Return bytes as `812 B`, `1.1 MB` or `48.8 TB`, in powers of 1,000.

    The space does not break.
    """
    if size < 1000:
        return f"{int(size)}\u00a0B"
    for unit in _UNITS:
        size /= 1000
        if size < 999.5 or unit == _UNITS[-1]:
            break
    return f"{size:.0f}\u00a0{unit}" if size >= 99.95 else f"{size:.1f}\u00a0{unit}"


def ago(seconds: float) -> str:
    """Return how long ago something was: minutes, hours or days."""
    for key, unit_s in (("ago_days", 86400), ("ago_hours", 3600), ("ago_minutes", 60)):
        if seconds >= unit_s:
            return say(key, count=int(seconds // unit_s))
    return say("ago_now")


def time_left(seconds: float) -> str:
    """Return a calm guess: steps of 5 s, then minutes, then hours."""
    if seconds < 55:
        return say("left_seconds", count=max(5, 5 * int((seconds + 4.999) // 5)))
    if seconds < 3570:
        return say("left_minutes", count=int((seconds + 30) // 60) or 1)
    return say("left_hours", count=int((seconds + 1800) // 3600) or 1)
