"""The attributes of `<oss-ferry>`: types, page and document agree with the table in `embed.js`."""

import re
from pathlib import Path

from upload_page.embedding import options

WEB = Path(__file__).parents[2] / "web"
GUIDE = (WEB.parent / "docs/embedding.md").read_text("utf-8")
SCRIPT = (WEB / "page/embed.js").read_text("utf-8")
TYPES = {
    "list": r"string\[\]",
    "count": "number",
    "json": "Record<string, string>",
    "() => true": "boolean",
    "text": r'string|"[^"]+"( \| "[^"]+")*',
}


def lists(source: str, name: str) -> list[str]:
    (names,) = re.findall(rf"const {name} = \[(.+)\];", source)
    return re.findall(r"[\w-]+", names)


def table() -> dict[str, str]:
    """Return `{attribute: how its text is read}` of the options in `embed.js`."""
    (block,) = re.findall(r"const OPTIONS = \{\n(.+?)\};", SCRIPT, re.DOTALL)
    return dict(re.findall(r'"?([\w-]+)"?: (.+),', block))


OTHERS = {*lists(SCRIPT, "FRAME"), *lists(SCRIPT, "FORM"), "disabled"}


def test_the_types_have_each_attribute_in_camel_case() -> None:
    types = (WEB / "npm/embed.d.ts").read_text("utf-8")
    (block,) = re.findall(r"interface OssFerryOptions \{(.+?)\n\}", types, re.DOTALL)
    typed = {
        re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name): kind
        for name, kind in re.findall(r"^  (\w+)\??: (.+);$", block, re.MULTILINE)
        if name != "getToken"  # a property
    }

    assert set(typed) == {*table(), *OTHERS}
    for name, reader in table().items():
        assert re.fullmatch(TYPES[reader], typed[name]), name


def test_the_page_and_the_document_know_each_attribute() -> None:
    (section,) = re.findall("### Attributes\n(.+?)\n### ", GUIDE, re.DOTALL)
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    documented = re.findall("`(.+?)`", " ".join(cells))

    assert set(documented) == {*table(), *OTHERS}
    assert set(table()) == {*options.NAMES, "lang", "theme"}
    assert set(documented[documented.index("accept") :]) == set(options.NAMES)


def test_the_colours_are_the_same_everywhere() -> None:
    colours = lists(SCRIPT, "TOKENS")
    (sentence,) = re.findall("There are (`accent`.+)", GUIDE)

    assert lists((WEB / "page/frame.js").read_text("utf-8"), "TOKENS") == colours
    assert re.findall("`(.+?)`", sentence) == colours
