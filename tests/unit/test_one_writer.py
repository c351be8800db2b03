"""An upload is changed by its own classes only: other modules call methods with a name."""

import ast
from pathlib import Path

import pytest

TRANSFER = Path(__file__).parents[2] / "web/ossferry_uploader/transfer"
OWNERS = ("upload.py", "target.py", "progress.py", "states.py")
VALUES = ("target", "progress", "record", "requests", "_machine")
MOST_FIELDS = 15


def fields(source: str, name: str) -> set[str]:
    """Return the attributes that a class sets in `__init__`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            init = next(
                each
                for each in node.body
                if isinstance(each, ast.FunctionDef) and each.name == "__init__"
            )
            found = {
                each.attr
                for each in ast.walk(init)
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
            }
    return found


def writes(source: str) -> list[str]:
    """Return the assignments to attributes of an upload, or of the values that it owns."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = ast.unparse(node.value)
            parts = owner.split(".")
            if parts[-1] == "upload" or (len(parts) > 1 and parts[-1] in VALUES):
                found.append(ast.unparse(node))
    return found


def test_an_upload_has_few_fields() -> None:
    own = fields((TRANSFER / "upload.py").read_text("utf-8"), "Upload")

    assert {"file", "options", "target", "progress"} <= own
    assert len(own) <= MOST_FIELDS


@pytest.mark.parametrize("name", ["Target", "Progress", "SavedRecord", "RequestState"])
def test_its_values_have_few_fields_too(name: str) -> None:
    sources = [(TRANSFER / each).read_text("utf-8") for each in OWNERS]
    (own,) = [found for source in sources if (found := fields(source, name))]

    assert 0 < len(own) <= MOST_FIELDS


def test_no_other_module_changes_an_upload() -> None:
    files = [
        path
        for path in TRANSFER.parent.rglob("*.py")
        if not (path.parent == TRANSFER and path.name in OWNERS)
    ]
    found = {str(path): writes(path.read_text("utf-8")) for path in files}

    assert len(files) > 50
    assert {path: each for path, each in found.items() if each} == {}


def test_a_write_is_seen() -> None:
    source = "upload.error = 1\nself.upload.target.key = ''\nupload.progress.sent += 1\nother.x = 1"

    assert writes(source) == ["upload.error", "self.upload.target.key", "upload.progress.sent"]


def test_only_the_state_machine_changes_the_state() -> None:
    callers = {
        path.name
        for path in TRANSFER.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("state", "paused_for")
        and isinstance(node.ctx, ast.Store)
        and path.parent.name != "view"
    }

    assert callers == {"states.py"}
