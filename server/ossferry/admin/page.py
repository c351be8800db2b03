"""HTML of the page `/admin`: principals with usage and limits, and the last uploads.

The page uses the upload page's style sheet. Text from users is escaped.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TypeAlias

from ossferry.admin.words import WORDS
from ossferry.clock import utc_text
from ossferry.http.html import frame, size_html
from ossferry.identity.object_keys import name_of
from ossferry.ledger.reports import PrincipalRow, UploadRow
from ossferry.ledger.standing import Quota

__all__ = ["STYLE", "AdminPage"]

Words: TypeAlias = Mapping[str, str]

STYLE = """
main { max-width: 1200px; gap: 12px; }
h2 { margin-top: 16px; font-size: 17px; }
.scroll { position: relative; overflow-x: auto; background: var(--card, Canvas);
          border: 1px solid var(--line, GrayText); border-radius: 14px; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 8px 12px; text-align: start; vertical-align: top; }
th { color: var(--soft, CanvasText); font-weight: 500; font-size: 13px; white-space: nowrap; }
tbody > tr > * { border-top: 1px solid var(--line, GrayText); }
a { color: var(--accent, LinkText); }
td small { display: block; color: var(--soft, CanvasText); overflow-wrap: anywhere; }
.number { text-align: end; }
.number, .when { white-space: nowrap; }
.wide { overflow-wrap: anywhere; min-width: 8rem; }
.bad { color: var(--bad, CanvasText); }
@media (max-width: 700px) {
  thead { display: block; position: absolute; inline-size: 1px; block-size: 1px;
          overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tbody > tr > td { border: 0; padding: 2px 12px; }
  tbody > tr { border-top: 1px solid var(--line, GrayText); padding-block: 8px; }
  .number { text-align: start; }
  td[data-head]:not(:empty)::before { content: attr(data-head) ": "; color: var(--soft); }
}
"""
LIMITS = ("bytes_day", "objects_day", "bytes_total", "objects_total")

# column -> CSS class of its cells
PEOPLE = {"who": "wide", "files": "number", "stored": "number", "may_store": "", "last_upload": ""}
UPLOADS = {"when": "when", "who": "", "file": "wide", "size": "number", "crc64": "number"}


class AdminPage:
    """Renders the HTML of the page `/admin`.

    Args:
        styles: URL of the upload page's style sheet; empty if there is none.
        common: the default limits of principals.
        most: maximum number of rows in a table. A table of this length gets a note that rows may be
            missing.
    """

    def __init__(self, *, styles: str, common: Quota, most: int) -> None:
        self._styles = styles
        self._common = common
        self._most = most

    def html(
        self,
        people: Sequence[PrincipalRow],
        uploads: Sequence[UploadRow],
        *,
        principal: str,
        language: str,
    ) -> str:
        """Return the HTML of the page.

        Args:
            people: rows of the table of principals.
            uploads: rows of the table of uploads.
            principal: hash of the one principal that the page shows; empty if it shows all.
            language: language code; a key of `WORDS`.
        """
        words = WORDS[language]
        chosen = next((each.label for each in people if each.hash == principal), principal)
        table = f"/admin/uploads.csv?principal={escape(principal)}" if principal else ""
        whose = words["uploads_of"].format(escape(chosen)) if principal else words["uploads"]
        back = f"<p><a href='/admin'>{words['everybody']}</a></p>" if principal else ""
        body = [
            f"<h1>{words['title']}</h1>",
            back,
            f"<h2>{words['principals']}</h2>",
            self._note(people, words["most"]),
            _table(PEOPLE, words, (self._who(each, words) for each in people)),
            f"<h2>{whose}</h2>",
            self._note(uploads, words["last"]),
            f"<p><a href='{table or '/admin/uploads.csv'}' download>{words['csv']}</a></p>",
            _table(UPLOADS, words, (_upload(each, words) for each in uploads)),
        ]
        styles = (self._styles, "/admin/style.css")
        return frame("ossferry admin", "".join(body), styles=styles, language=language)

    def _note(self, rows: Sequence[object], words: str) -> str:
        cut = len(rows) >= self._most
        return f"<p class='hint'>{words.format(self._most)}</p>" if cut else ""

    def _who(self, row: PrincipalRow, words: Words) -> Sequence[str]:
        shut = words["shut_out"].format(_moment(row.revoked_at))
        who = f"{_link(row.hash, row.label)}<small>{escape(row.hash)}</small>"
        return (
            who + (f"<small class='bad'>{shut}</small>" if row.revoked_at else ""),
            f"{row.objects:,}",
            size_html(row.bytes),
            self._limits(row.own, words),
            _moment(row.last_upload),
        )

    def _limits(self, own: Quota, words: Words) -> str:
        said = []
        for name in LIMITS:
            limit = getattr(own, name)
            limit = getattr(self._common, name) if limit is None else limit
            if limit is not None:
                said.append(
                    words[name].format(size_html(limit) if "bytes" in name else f"{limit:,}")
                )
        return "<br>".join(said) or words["no_limit"]


def _upload(row: UploadRow, words: Words) -> Sequence[str]:
    gone = words["deleted"].format(_moment(row.deleted_at))
    name = escape(name_of(row.key))
    file = f"{name}<small>{escape(row.key)}</small>"
    return (
        _moment(row.recorded_at),
        _link(row.principal, row.label),
        file + (f"<small class='bad'>{gone}</small>" if row.deleted_at else ""),
        size_html(row.size),
        escape(row.crc64),
    )


def _table(heads: Mapping[str, str], words: Words, rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table.

    Args:
        heads: CSS class of the cells, by column name.
        words: translated texts, including the column headings.
        rows: cells as escaped HTML, in column order.
    """
    head = "".join(f"<th scope=col class='{heads[name]}'>{words[name]}</th>" for name in heads)
    lines = (
        "".join(
            f"<td class='{heads[name]}' data-head='{words[name]}'>{field}</td>"
            for name, field in zip(heads, row, strict=True)
        )
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f"<div class=scroll tabindex=0><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _link(principal: str, label: str) -> str:
    return f"<a href='/admin?principal={escape(principal)}'>{escape(label)}</a>"


def _moment(at: datetime | None) -> str:
    if at is None:
        return ""
    return f"<time dir=ltr datetime='{utc_text(at)}'>{at:%Y-%m-%d %H:%M} UTC</time>"
