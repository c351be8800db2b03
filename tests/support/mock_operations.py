"""Makes the page about the mock's operations on the documentation site from the mock's tables."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping

from mock_oss.operations import routes
from mock_oss.operations.routes import NOT_IMPLEMENTED, Operation
from mock_oss.sts import endpoint
from mock_oss.sts.endpoint import RAM_ACTIONS, RAM_VERSION

HEAD = """# Operations of the mock

Each operation of the [mock OSS](mock-oss.md): its request and the action that a policy must allow.
[mock-oss.md](mock-oss.md#operations) lists the operations that the mock does not have.
"""
COLUMNS = "| operation | request | action | what the mock does |\n|---|---|---|---|\n"
LEVELS = {
    "Service": ("/", routes._SERVICE),
    "Buckets": ("/", routes._BUCKET),
    "Objects": ("/KEY", routes._OBJECT),
}
PREFLIGHT = (
    "| `OptionObject` | `OPTIONS /KEY` |  | Answer a CORS preflight request by the rules of the"
    " bucket. |\n"
)
OWN_CHECK = "checked by the operation"
STS_COLUMNS = "| action | API version | what the mock does |\n|---|---|---|\n"
MISSING = """
## Not implemented

The mock answers `NotImplemented` to a request with one of these query parameters:

{}.
"""


def operations_page() -> str:
    """Return the text of the page."""
    text = HEAD
    for title, (path, table) in LEVELS.items():
        text += f"\n## {title}\n\n{COLUMNS}{''.join(_rows(path, table))}"
    text += f"{PREFLIGHT}\n## STS and RAM\n\n{STS_COLUMNS}{''.join(_actions())}"
    return text + MISSING.format(", ".join(f"`{name}`" for name in sorted(NOT_IMPLEMENTED)))


def _rows(path: str, table: Mapping[tuple[str, str], Operation]) -> Iterator[str]:
    for (method, sub), operation in table.items():
        request = f"{method} {path}{'?' if sub else ''}{sub}"
        yield _row(operation, f"`{request}`")
        if copy := routes._COPIES.get(operation.name):
            yield _row(copy, f"`{request}` with `x-oss-copy-source`")


def _row(operation: Operation, request: str) -> str:
    action = f"`{operation.action}`" if operation.action else OWN_CHECK
    return f"| `{operation.name}` | {request} | {action} | {_purpose(operation.handler)} |\n"


def _actions() -> Iterator[str]:
    for (version, name), handler in endpoint._ACTIONS.items():
        purpose = _purpose(RAM_ACTIONS[name] if version == RAM_VERSION else handler)
        yield f"| `{name}` | {version} | {purpose} |\n"


def _purpose(handler: Callable[..., object]) -> str:
    """Return the first sentence of a handler's docstring."""
    paragraph = " ".join((inspect.getdoc(handler) or "").partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s", paragraph)[0]
    return sentence.replace("|", "\\|")
