"""Translated pages have the code, options, tables and links of the English pages."""

import re
import warnings
from pathlib import Path

import pytest

from support.docs_site import DOCS
from support.markdown import PAGES, ROOT, blocks, links, prose
from support.translations import NOTICES, ORIGINALS, for_the_site, is_old, is_translation, object_id

TRANSLATIONS = [page for page in PAGES if is_translation(page)]
ALIBABA = re.compile(r"//(?:help\.aliyun\.com/zh|www\.alibabacloud\.com/help/\w\w)/")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def targets(page: Path) -> set[Path]:
    return {(page.parent / path).resolve() if path else page for path, _ in links(page)}


def original(target: Path) -> Path:
    """Return the English page or picture of a translated one: `busy.png` of `busy.zh.png`."""
    if is_translation(target):
        return ORIGINALS[target.name]
    return target.with_name(re.sub(rf"\.({'|'.join(NOTICES)})\.png$", ".png", target.name))


def content(page: Path) -> dict[str, object]:
    """Return what a translation must not change."""
    text = prose(page)
    return {
        "blocks": [(block.language, block.text) for block in blocks(page)],
        "code": set(re.findall(r"`[^`\n]+`", text)),
        "headings": re.findall(r"^#+(?= )", text, re.MULTILINE),
        "rows": [table.count("\n") for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)],
        "links": set(map(original, targets(page))),
        "addresses": set(re.findall(r"https?://[\w./@#?=%-]*[\w/]", ALIBABA.sub("//help/", text))),
    }


@pytest.mark.parametrize("language", [each for each in NOTICES if (DOCS / each).exists()])
def test_each_language_has_the_same_pages(language: str) -> None:
    assert {page.name for page in (DOCS / language).rglob("*")} == ORIGINALS.keys()


@pytest.mark.parametrize("document", TRANSLATIONS, ids=name)
def test_a_translation_has_the_code_the_options_and_the_tables_of_its_original(
    document: Path,
) -> None:
    expected = content(ORIGINALS[document.name])

    for kind, found in content(document).items():
        assert found == expected[kind], kind


@pytest.mark.parametrize("document", TRANSLATIONS, ids=name)
def test_a_translation_leads_to_translations(document: Path) -> None:
    language_line = {ROOT / "README.md"} if document.name == "index.md" else set()

    assert targets(document) & set(ORIGINALS.values()) == language_line


@pytest.mark.filterwarnings("default")  # an old translation is better than none
def test_old_translations_are_in_the_summary_of_warnings() -> None:
    for page in filter(is_old, TRANSLATIONS):
        original = ORIGINALS[page.name]
        warnings.warn(
            f"{name(page)} is old: {name(original)} is now {object_id(original)}", stacklevel=1
        )


def test_an_old_translation_has_a_notice_on_the_site(tmp_path: Path) -> None:
    page = tmp_path / "zh" / "page.md"
    page.parent.mkdir()

    def on_the_site(known: str) -> str:
        page.write_text(
            f"# 上传页面\n\n正文\n\n<!-- translation of docs/page.md {known} -->\n", "utf-8"
        )
        return for_the_site(page, page.read_text("utf-8"))

    assert "](../page.md)" not in on_the_site(object_id(DOCS / "page.md"))
    assert not is_old(page)
    assert "\n# 上传页面\n\n> 本页译自" in on_the_site("0" * 40)
    assert is_old(page)
