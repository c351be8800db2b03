"""Accessibility violations that axe finds, on several screen sizes and in both colour schemes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

from support import webkitgtk

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
SCREENS = (("phone", 390, 844), ("desktop", 1280, 900))  # on each side of the only breakpoint
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
RULES: dict[str, Any] = {"resultTypes": ["violations"]}
COLOURS = {**RULES, "runOnly": ["color-contrast", "link-in-text-block"]}
"""Only the rules that depend on the colour scheme."""
LOADED = "() => 'axe' in window"


def run(page: Page, how: dict[str, Any] = RULES) -> list[dict[str, Any]]:
    """Return the violations that axe finds on the current page; `how` are the options of
    `axe.run`.
    """
    if not page.evaluate(LOADED):
        page.evaluate(f"() => {{ {AXE.read_text('utf-8')}\n}}")
    result = page.evaluate("(how) => axe.run(how)", how)
    found: list[dict[str, Any]] = result["violations"]
    return found


def violations(page: Page) -> list[str]:
    """Return the violations on each screen size, in both colour schemes."""
    found = []
    for screen, width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in _schemes(page):
            found += [
                f"{screen}, {scheme}: {each['id']} {node['target']} {node['failureSummary']}"
                for each in run(page, COLOURS if scheme == "dark" else RULES)
                for node in each["nodes"]
            ]
    return found


def _schemes(page: Page) -> Iterator[str]:
    """Switch the page to each colour scheme; WebKitGTK's driver cannot change its colour scheme."""
    driven: object = page
    if isinstance(driven, webkitgtk.Page):
        yield "light"
        return
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        yield scheme
