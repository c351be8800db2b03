"""The modules that the built page imports in slices: their order and their sources."""

import build

IMPORTS = tuple(f"from {package}" for package in build.PACKAGES)

SOURCES = {
    "app/a.py": "from app import d\nfrom app.b import c\n",
    "app/b.py": "import app.c\n",
    "app/c.py": "def late():\n    import app.a\n",
    "app/d.py": "import os\nfrom js import document\n",
    "app/e.py": "from app.a import x\n",
}


def test_each_module_comes_after_those_that_it_imports() -> None:
    assert build.import_order(SOURCES, "app/b.py") == [
        "app/c.py",
        "app/b.py",
        "app/d.py",
        "app/a.py",
        "app/e.py",
    ]


def test_several_modules_can_come_early() -> None:
    order = build.import_order(SOURCES, "app/d.py", "app/b.py")

    assert order == ["app/d.py", "app/c.py", "app/b.py", "app/a.py", "app/e.py"]


def test_modules_that_import_each_other_are_listed_once() -> None:
    sources = {"a.py": "import b\n", "b.py": "import a\n"}

    assert build.import_order(sources, "a.py") == ["b.py", "a.py"]


def test_the_page_imports_nothing_before_what_it_needs() -> None:
    modules = dict(build.page_modules()[0])
    order = list(modules)
    seen: set[str] = set()
    for path in order:
        lines = [line for line in modules[path].splitlines() if line.startswith(IMPORTS)]
        needed = {f"{line.split()[1].replace('.', '/')}.py" for line in lines}
        assert (needed & set(order)) <= seen, path
        seen.add(path)


def test_only_what_the_page_needs_at_the_start_comes_before_its_main_module() -> None:
    at_start, on_demand, details, *rare = build.page_modules()
    order = [path for path, _source in at_start]
    before = order[: order.index(f"{build.MAIN}.py")]

    assert "ossferry_uploader/transfer/engine.py" in before
    assert len(before) > 80
    later = {path.removeprefix("upload_page/") for path, _source in on_demand}
    rooms = ("dialogs/", "embedding/", "my_uploads/", "other_devices/", "receipts/")
    folders = (*rooms, *(f"upload_page/{name}/" for name in build.RARE))
    assert not any(folder in path for folder in folders for path in order)
    assert order == [*before, f"{build.MAIN}.py"]
    assert {path for path in later if not path.startswith(rooms)} == {
        "on_demand.py",
        "browser/downloads.py",
        "browser/dragging.py",
        "browser/qr.py",
        "browser/style_sheets.py",
    }
    assert {path for path, _source in details} == {
        "upload_page/details/dialog.py",
        "upload_page/details/rules.py",
    }
    for name, modules in zip(build.RARE[1:], rare, strict=True):
        lazy = {path.removeprefix("upload_page/") for path, _source in modules}
        others = {path for path in lazy if not path.startswith(f"{name}/")}
        assert others - {build.STREAMS} == {f"browser/{name}.py"}
        assert (build.STREAMS in others) == (name == "recording")


def test_few_modules_come_before_the_first_request() -> None:
    order = [path for path, _source in build.page_modules()[0]]
    first = order[: order.index(f"{build.FIRST}.py")]

    assert len(first) < 20, first
    assert not any("/view/" in path or "/journal/" in path for path in first)


def test_modules_have_no_comments_and_no_empty_package_files() -> None:
    modules = dict(build.page_modules()[0])

    assert "#" not in modules["ossferry_uploader/transfer/plan.py"]
    assert "ossferry_uploader/transfer/pacing/__init__.py" not in modules
