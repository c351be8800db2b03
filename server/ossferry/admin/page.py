"""HTML of the page `/admin`: principals with usage and limits, held uploads and last uploads."""

from collections.abc import Sequence
from functools import partial

from ossferry.http.html import render
from ossferry.http.words import load_words
from ossferry.identity.object_keys import name_of
from ossferry.ledger.holds import Hold
from ossferry.ledger.receipts import Claim
from ossferry.ledger.reports import PrincipalRow, UploadRow, count_outcomes
from ossferry.ledger.standing import NAMES, Quota

WORDS = load_words("admin")

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
form { display: flex; flex-wrap: wrap; gap: 8px; align-items: start; }
details { max-width: 22em; }
details p { margin: 4px 0 8px; }
summary { padding: 4px 0; cursor: pointer; }
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
"""The style of the page, in addition to the style of the upload page."""


def admin_page(
    people: Sequence[PrincipalRow],
    uploads: Sequence[UploadRow],
    held: Sequence[Hold],
    *,
    styles: str,
    common: Quota,
    most: int,
    base: str,
    principal: str,
    is_gone: bool,
    language: str,
) -> str:
    """Return the HTML of the page `/admin`.

    Args:
        people: rows of the table of principals.
        uploads: rows of the table of uploads.
        held: rows of the table of held uploads.
        styles: URL of the upload page's style sheet; empty if there is none.
        common: the quota of principals who have no quota of their own.
        most: maximum number of rows in a table. A table of this length gets a note that rows may be
            missing.
        base: path below which the server is mounted; empty if it is not mounted.
        principal: hash of the one principal that the page shows; empty if it shows all.
        is_gone: whether to say that a held upload was not there any more.
        language: language code of the page.
    """
    return render(
        "admin.html",
        base=base,
        words=WORDS[language],
        styles=(styles, "/admin/style.css"),
        people=people,
        uploads=uploads,
        held=held,
        labels={each.hash: each.label for each in people},
        principal=principal,
        is_gone=is_gone,
        shown=next((each.label for each in people if each.hash == principal), principal),
        most=most,
        limits=partial(_limits, common),
        name_of=name_of,
        outcomes=_outcomes,
        has_checks=any(each.checks_claimed for each in uploads),
    )


def _limits(common: Quota, own: Quota) -> list[tuple[str, int]]:
    """Return the limits of a principal as pairs of a name and a value, without missing ones."""
    found = []
    for name in NAMES:
        limit = getattr(own, name)
        limit = getattr(common, name) if limit is None else limit
        if limit is not None:
            found.append((name, limit))
    return found


def _outcomes(checks: Claim | None) -> list[tuple[str, int]]:
    """Return how many checks have each outcome, as pairs of a name and a number."""
    return [(f"check_{outcome}", number) for outcome, number in count_outcomes(checks).items()]
