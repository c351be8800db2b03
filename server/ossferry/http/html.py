"""HTML of the server's pages, from the Jinja2 templates in the folder `templates/`.

Every value is escaped unless it is `Markup`. A template that uses an unknown name fails.
"""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from ossferry.clock import utc_text
from ossferry.http.languages import DEFAULT, RIGHT_TO_LEFT
from ossferry.http.words import Words

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def render(
    template: str,
    *,
    base: str,
    words: Words | None = None,
    styles: Sequence[str] = (),
    **values: object,
) -> str:
    """Return a complete HTML page.

    Args:
        template: path of the template in the folder `templates/`, such as `form/arrived.html`.
        base: path below which the server is mounted (see `mount_path`); empty if it is not mounted.
        words: the texts that the template inserts with `say` and `say_count`; None if the page
            exists only in English.
        styles: URL paths of style sheets, without `base`; empty paths are ignored.
        values: the variables of the template.
    """
    language = words.language if words else DEFAULT
    if words:
        values |= {"say": words.say, "say_count": words.say_count}
    return _environment.get_template(template).render(
        values,
        base=base,
        language=language,
        direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
        styles=[base + each for each in styles if each],
    )


def _size_text(size: int) -> str:
    """Return a size in bytes as text, such as `1.5 MB`."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{size} {UNITS[0]}" if unit == 0 else f"{value:.3g} {UNITS[unit]}"


_environment = Environment(
    loader=PackageLoader("ossferry"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"size_text": _size_text, "utc_text": utc_text}
