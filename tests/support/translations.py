"""The translated pages in `docs/<language>`: their originals, and whether these have changed.

The last line of a translation is a comment with the git object id of the English page that was
translated, `git hash-object docs/page.md`. So `git diff OLD_ID HEAD:docs/page.md` shows what to
translate anew. `tests/unit/test_translations.py` lists old pages; on the site they have a notice.
"""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

NOTICES = {
    "zh": "本页译自较早的英文版。最新内容见[英文版]({})。",
    "ja": "このページは以前の英語版の翻訳です。最新の内容は[英語版]({})にあります。",
}
"""The languages, with the notice of a page whose original has changed."""

LABELS = {
    "zh": {
        "Switch to light mode": "切换到浅色模式",
        "Switch to dark mode": "切换到深色模式",
        "Switch to system preference": "跟随系统设置",
    },
    "ja": {
        "Switch to light mode": "ライトモードに切り替える",
        "Switch to dark mode": "ダークモードに切り替える",
        "Switch to system preference": "システムの設定に合わせる",
    },
}
"""The labels of `zensical.toml` in each language; the theme has all others."""

ORIGINALS = {
    "index.md": ROOT / "README.md",
    "tutorial.md": ROOT / "docs/tutorial.md",
    "page.md": ROOT / "docs/page.md",
    "custom-domain.md": ROOT / "docs/custom-domain.md",
    "token-server.md": ROOT / "docs/token-server.md",
}
"""The pages that each language has."""


def is_translation(page: Path) -> bool:
    """Return whether a page is in the folder of a language."""
    return page.parent.name in NOTICES


def object_id(page: Path) -> str:
    """Return the id of a file in git."""
    content = page.read_bytes()
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def is_old(page: Path) -> bool:
    """Return whether the original of a translation has changed since it was translated."""
    known = re.search(r"<!-- .* ([0-9a-f]{40}) -->\n\Z", page.read_text("utf-8"))
    return known is None or known[1] != object_id(ORIGINALS[page.name])


def for_the_site(page: Path, text: str) -> str:
    """Return a page with its language for the theme, and with a notice if it is old.

    The README is not on the site, so its translation leads to the first English page there. The
    footer would lead to the page before or after in another language.
    """
    if not is_translation(page):
        return text
    language = page.parent.name
    text = text.replace("](../../README.md)", "](../index.md)")
    if is_old(page):
        title, rest = text.split("\n", 1)
        text = f"{title}\n\n> {NOTICES[language].format(f'../{page.name}')}\n{rest}"
    return f"---\nlanguage: {language}\nhide: [footer]\n---\n{text}"
