"""The page's scripts and style sheets without comments, as they are served."""

import re
from pathlib import Path

import pytest

import build

SCRIPTS = sorted(
    path.relative_to(build.WEB).as_posix()
    for folder in ("bridge", "page", "storage", "worker")
    for path in (build.WEB / folder).glob("*.js")
)
QUOTED = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|/(?:[^/\\\s]|\\.)+/"""
)


@pytest.mark.parametrize("path", SCRIPTS)
def test_only_comments_are_removed(path: str) -> None:
    """What is cut off at ` //` does not begin within a text, and nothing else is cut off."""
    lines = Path(build.WEB / path).read_text("utf-8").splitlines()
    kept = [re.sub(r"(^|\s)//.*", "", line).strip() for line in lines]
    for line, rest in zip(lines, kept, strict=True):
        assert not set("\"'`") & set(QUOTED.sub("", rest)), f"a text is cut in {line}"

    assert build.without_comments("\n".join(lines)) == "\n".join(line for line in kept if line)


def test_comments_and_indentation_are_removed() -> None:
    script = '// head\n"use strict";\n\n  const url = "https://a.example"; // where\n'

    assert build.without_comments(script) == '"use strict";\nconst url = "https://a.example";'


def test_the_style_sheet_has_no_comments_and_all_rules() -> None:
    styles = build.styles().decode()
    sources = "".join(path.read_text("utf-8") for path in build.WEB.glob("page/styles/*.css"))

    assert "/*" in sources
    assert "/*" not in styles
    assert styles.count("{") == re.sub(r"/\*.*?\*/", "", sources, flags=re.DOTALL).count("{")
