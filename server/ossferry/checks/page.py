"""HTML of the page `/checks`: the checks that are on, and a drop zone that runs them.

The page uses the style sheets of the upload page and of its form, and one of its own. The script
`web/page/checks_page.js` runs the checks.
"""

from ossferry.checks.configuration import Checks
from ossferry.http.html import TABLE_STYLE, render
from ossferry.http.words import load_words
from ossferry.pages.assets import Assets

__all__ = ["SAID", "STYLE", "ChecksPage"]

WORDS = load_words("checks")
SCRIPTS = ("checks.js", "checks_page.js")
SAID = (
    "waiting",
    "running",
    "cancel",
    "cancel_file",
    "cancelled",
    "unreadable",
    "unavailable",
    "accepted",
    "asked",
    "allowed",
    "refused",
    "none",
    "changed_to",
    "outcome_passed",
    "outcome_noted",
    "outcome_changed",
    "outcome_asks",
    "outcome_rejected",
    "outcome_error",
    "seconds",
    "line",
    "notes",
    "output",
)
"""The sentences that the script shows."""

STYLE = f"""{TABLE_STYLE}
.version, .packages {{ overflow-wrap: anywhere; }}
.packages {{ padding-inline-start: 20px; }}
small {{ color: var(--soft, CanvasText); }}
.results {{ display: grid; gap: 12px; padding: 0; list-style: none; }}
.results > li {{ display: grid; grid-template-columns: minmax(0, 1fr); gap: 6px;
                padding: 14px 16px; background: var(--card, Canvas);
                border: 1px solid var(--line, GrayText); border-radius: 14px; }}
.results h3 {{ margin: 0; font-size: 16px; overflow-wrap: anywhere; }}
.results p {{ margin: 0; overflow-wrap: anywhere; }}
.results ul {{ margin: 0; padding-inline-start: 20px; }}
.results progress {{ inline-size: 100%; }}
.results .button {{ justify-self: start; }}
.results pre {{ max-block-size: 300px; overflow: auto; margin: 8px 0 0; white-space: pre-wrap;
               overflow-wrap: anywhere; }}
.good {{ color: var(--ok, CanvasText); }}
.warn {{ color: var(--warn, CanvasText); }}
.rejected > strong, .error > strong {{ color: var(--bad, CanvasText); }}
"""


class ChecksPage:
    """Renders the HTML of the page `/checks`.

    Raises:
        SettingsError: the built page lacks a script.
    """

    def __init__(self, checks: Checks, assets: Assets) -> None:
        self._checks = checks
        self._styles = (assets.styles(), assets.address("form.css"), "/checks/style.css")
        urls = {name: assets.needed(name) for name in SCRIPTS}
        self._scripts = {name: (url, assets.integrity(url)) for name, url in urls.items()}

    def html(self, *, base: str, language: str) -> str:
        """Return the HTML of the page.

        Args:
            base: the path of the mount.
            language: language code of the page.
        """
        return render(
            "checks.html",
            base=base,
            words=WORDS[language],
            styles=self._styles,
            checks=self._checks,
            on_error=f"on_error_{self._checks['on_error']}",
            scripts={
                name: {"url": base + url, "integrity": integrity}
                for name, (url, integrity) in self._scripts.items()
            },
            said={key: WORDS[language].texts[key] for key in SAID},
        )
