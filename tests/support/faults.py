"""Faults for one file of the page, whichever request sends the file."""

from typing import Any

from ossferry.cli.demo import Demo

SENDING = ("PostObject", "PutObject", "UploadPart")
"""The operations that send the content of a file: small files, files up to 16 MiB, parts."""


def fault_for(demo: Demo, name: str, effect: str, **plan: Any) -> None:
    """Plan a fault for each request that sends the content of a file.

    Args:
        name: the name of the file; may be a pattern such as `*.bin`.
        effect: the effect of the fault.
        plan: other fields of the fault.
    """
    for operation in SENDING:
        demo.oss.faults.add(effect, key=f"*/{name}", operation=operation, **plan)


def refuse(demo: Demo, name: str, code: str, **plan: Any) -> None:
    """Let OSS refuse the content of a file.

    A page that was refused with a form tries again with PutObject.

    Args:
        name: the name of the file; may be a pattern.
        code: the error code, such as `AccessDenied`.
        plan: other fields of the fault.
    """
    fault_for(demo, name, "error", code=code, **plan)
