"""What axe says of a page, on each kind of screen and in both colour schemes."""

from pathlib import Path

from playwright.sync_api import Page

__all__ = ["violations"]

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
SCREENS = (("phone", 390, 844), ("tablet", 820, 1180), ("desktop", 1280, 900))


def violations(page: Page) -> list[str]:
    """Return what axe finds on each kind of screen, in both colour schemes."""
    found = []
    page.evaluate(f"{AXE.read_text('utf-8')}; 1")
    for screen, width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            result = page.evaluate("axe.run({resultTypes: ['violations']})")
            found += [
                f"{screen}, {scheme}: {each['id']} {node['target']} {node['failureSummary']}"
                for each in result["violations"]
                for node in each["nodes"]
            ]
    return found
