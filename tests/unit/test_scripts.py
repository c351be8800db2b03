"""The page's scripts and style sheets, as they are served."""

import re

import build


def test_a_module_of_the_storage_imports_nothing_but_the_leases() -> None:
    """They are loaded one after the other, and each further file would cost a round trip."""
    imports = re.compile(rb"""\b(?:from|import)\b\(?["']([^"']+)""")
    scripts = {
        name: build.minified(build.WEB / "storage" / f"{name}.js", options=build.BUNDLE)
        for name in ("leases", "storage")
    }

    assert {name: set(imports.findall(script)) for name, script in scripts.items()} == {
        "leases": set(),
        "storage": {b"./leases.js"},
    }


def test_the_style_sheet_has_no_comments_and_all_rules() -> None:
    styles = build.styles(*sorted(build.WEB.glob("page/styles/*.css"))).decode()
    sources = "".join(path.read_text("utf-8") for path in build.WEB.glob("page/styles/*.css"))

    assert "/*" in sources
    assert "/*" not in styles
    assert styles.count("{") == re.sub(r"/\*.*?\*/", "", sources, flags=re.DOTALL).count("{")
