"""HTML of the pages below `/form`.

The pages work without scripts. Text from users is escaped. An optional script checks the size and
type of the file before the upload. Without this script, users see errors of OSS as XML.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TypeAlias

from ossferry.clock import utc_text
from ossferry.forms.service import SignedForm
from ossferry.forms.words import WORDS
from ossferry.http.html import frame, size_html
from ossferry.oss.objects import Stored

__all__ = ["FormHtml"]

Words: TypeAlias = Mapping[str, str]

MARK = (
    "<svg class=mark width=56 height=40 viewBox='0 0 56 40' aria-hidden=true>"
    "<path d='M28 22V4m0 0-7 7m7-7 7 7M8 22h40l-5 9H13zM4 38c4 0 4-2.5 8-2.5s4 2.5 8 2.5"
    " 4-2.5 8-2.5 4 2.5 8 2.5 4-2.5 8-2.5 4 2.5 8 2.5'/></svg>"
)
NEW_FORM_CODES = ("AccessDenied", "SecurityTokenExpired")


class FormHtml:
    """Renders the pages below `/form`.

    Args:
        styles: URLs of style sheets.
        script: URL of the form's script; empty if there is no script.
        types: allowed types, in the syntax of the `accept` attribute; empty if any type is allowed.
    """

    def __init__(self, *, styles: Sequence[str], script: str, types: Sequence[str]) -> None:
        self._styles = styles
        self._script = script
        self._types = types

    def form(self, form: SignedForm, *, life_s: int, language: str) -> str:
        """Return the page with an upload form.

        Args:
            form: the signed form.
            life_s: seconds until the form expires.
            language: language code of the page.
        """
        words = WORDS[language]
        size, types = size_html(form.max_size), escape(", ".join(self._types))
        hidden = "".join(
            f"<input type=hidden name='{escape(name)}' value='{escape(value)}'>"
            for name, value in form.fields
        )
        said = {
            "large": words["too_large"].format(_text(form.max_size)),
            "type": words["wrong_type"].format(", ".join(self._types)),
            "late": words["too_late"],
            "sending": words["sending"],
        }
        data = {"max": str(form.max_size), "life": str(life_s), "types": ",".join(self._types)}
        facts = [
            words["up_to"].format(size),
            *([words["only"].format(f"<bdi>{types}</bdi>")] if self._types else []),
            words["minutes"].format(life_s // 60),
        ]
        accept = f" accept='{escape(','.join(self._types))}'" if self._types else ""
        body = (
            f"<form id=form class='drop plain' method=post action='{escape(form.url)}'"
            f" enctype='multipart/form-data'{_data(data)}{_data(said, 'say-')}>{MARK}"
            f"<h1>{words['title']}</h1><p class=hint>{words['intro']}</p>{hidden}"
            f"<p class=file><label for=file>{words['file']}</label>"
            f"<input type=file id=file name=file tabindex=0 required{accept}></p>"
            f"<p id=said class=trouble role=alert hidden></p>"
            f"<p><button class='button primary' tabindex=0>{words['upload']}</button></p>"
            f"<p class=grant>{' '.join(facts)}"
            f" <a class=link tabindex=0 href='/form'>{words['fresh']}</a></p>"
            f"</form>{self._limits(words, size)}"
        )
        head = f"<script src='{self._script}' defer></script>" if self._script else ""
        return self._page(words["title"], body, language, head=head)

    def arrived(self, stored: Iterable[Stored], directory: str, *, language: str) -> str:
        """Return the page that lists the objects that the browser has stored with a form.

        Args:
            stored: the objects to list.
            directory: the part of the keys before the file name, the same for all objects.
            language: language code of the page.
        """
        words = WORDS[language]
        cards = "".join(_card(each, directory, words) for each in stored)
        body = (
            f"<section class='outcome good'><h1>{words['arrived']}</h1>"
            f"<p class=hint>{words['arrived_words']}</p></section>{cards}"
            f"<p class=notice>{words['not_compared']}</p>{_ways_on(words)}"
        )
        return self._page(words["arrived"], body, language)

    def outcome(self, what: str, *, language: str, good: bool = False) -> str:
        """Return a page with a heading and one sentence about the outcome of an upload.

        Args:
            what: ``nothing``: no object was stored; ``removed``: the type of the object is not
                allowed, so the server removed it; ``unchecked``: the server cannot read objects.
            language: language code of the page.
            good: whether the upload succeeded.
        """
        words = WORDS[language]
        sentence = words[f"{what}_words"].format(escape(", ".join(self._types)))
        body = (
            f"<section class='outcome{' good' if good else ' bad'}'><h1>{words[what]}</h1>"
            f"<p class=hint>{sentence}</p></section>{_ways_on(words)}"
        )
        return self._page(words[what], body, language)

    def onward(self, target: str, *, language: str, at_once: bool) -> str:
        """Return a page that links to another page of this site.

        Args:
            target: path of the other page; never from user input.
            language: language code of the page.
            at_once: whether the browser opens the other page automatically.
        """
        words = WORDS[language]
        sentence = words["moment_words" if at_once else "outside"]
        title = words["moment" if at_once else "title"]
        body = (
            f"<section class=outcome><h1>{title}</h1><p class=hint>{sentence}</p>"
            f"<p><a class='button primary' tabindex=0 href='{escape(target)}'>"
            f"{words['go_on']}</a></p>"
            "</section>"
        )
        head = f"<meta http-equiv=refresh content='0; url={escape(target)}'>" if at_once else ""
        return self._page(title, body, language, head=head)

    def _limits(self, words: Words, size: str) -> str:
        less = "".join(f"<li>{words[f'less_{each}']}" for each in ("one", "progress", "check"))
        codes = (
            f"<dt><code>EntityTooLarge</code><dd>{words['error_large'].format(size)}"
            f"{''.join(f'<dt><code>{code}</code>' for code in NEW_FORM_CODES)}"
            f"<dd>{words['error_old']}"
            f"<dt><code>FileAlreadyExists</code><dd>{words['error_taken']}"
        )
        return (
            f"<section class=about><h2>{words['less']}</h2><ul>{less}</ul>"
            f"<details class=folded><summary tabindex=0>{words['errors']}</summary>"
            f"<p>{words['errors_intro']}</p><dl>{codes}</dl><p>{words['error_other']}</p>"
            f"</details><p><a class=link tabindex=0 href='/'>{words['back']}</a></p></section>"
        )

    def _page(self, title: str, body: str, language: str, *, head: str = "") -> str:
        links = "".join(
            f"<li><a class=link tabindex=0 lang={code} hreflang={code} href='/form?lang={code}'"
            f"{' aria-current=true' if code == language else ''}>{WORDS[code]['language']}</a>"
            for code in WORDS
        )
        foot = f"<footer class=foot><ul class=languages>{links}</ul></footer>"
        styles = self._styles
        return frame(title, body + foot, styles=styles, language=language, head=head)


def _card(stored: Stored, directory: str, words: Words) -> str:
    name = escape(stored.key.removeprefix(directory))
    moment = stored.last_modified
    at = f"<time datetime='{utc_text(moment)}'>{moment:%Y-%m-%d %H:%M} UTC</time>"
    rows = {
        "size": size_html(stored.size),
        "crc64": f"<code>{escape(stored.crc64)}</code>",
        "stored_at": f"<span dir=ltr>{at}</span>",
        "key": f"<code dir=ltr>{escape(stored.key)}</code>",
    }
    lines = "".join(f"<dt>{words[name]}<dd>{value}" for name, value in rows.items())
    head = f"<h2><bdi>{name}</bdi></h2>"
    return f"<section class=stored data-testid=stored>{head}<dl>{lines}</dl></section>"


def _ways_on(words: Words) -> str:
    return (
        f"<p class=ways><a class='button primary' tabindex=0 href='/form'>{words['another']}</a>"
        f"<a class=button tabindex=0 href='/'>{words['back']}</a></p>"
    )


def _data(values: Mapping[str, str], prefix: str = "") -> str:
    return "".join(f" data-{prefix}{name}='{escape(value)}'" for name, value in values.items())


def _text(size: int) -> str:
    """Return a size in bytes as plain text, such as ``1.5 MB``."""
    return size_html(size).partition(">")[2].partition("<")[0]
