"""Only the state machine changes the state of an upload. All other fields are plain data."""

import ast
from pathlib import Path

TRANSFER = Path(__file__).parents[2] / "web/ossferry_uploader/transfer"


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
