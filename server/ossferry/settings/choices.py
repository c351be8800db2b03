"""Types of options with a fixed set of values.

This module imports only `typing`, because the command line uses `Runtime` and must start without
loading pydantic.
"""

from typing import Literal, TypeAlias

Auth: TypeAlias = Literal["demo", "apikey", "jwt", "oidc", "proxy", "app"]
GrantKind: TypeAlias = Literal["sts", "form"]
Runtime: TypeAlias = Literal["micropython", "pyodide"]
OnError: TypeAlias = Literal["reject", "allow"]
Undo: TypeAlias = Literal["trash", "versions", "off"]
Release: TypeAlias = Literal["uploaded", "checked"]
Unscannable: TypeAlias = Literal["hold", "release"]
Action: TypeAlias = Literal[
    "oss:PutObject",
    "oss:PutObjectTagging",
    "oss:ListParts",
    "oss:AbortMultipartUpload",
    "oss:GetObject",
]
UPLOAD_ACTIONS: tuple[Action, ...] = ("oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload")
"""The actions that an upload needs."""

Recorded: TypeAlias = Literal["camera", "sound", "screen"]
FrameLevel: TypeAlias = Literal["counts", "results"]
Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
