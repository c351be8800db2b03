"""The path below which an application has mounted this server.

An ASGI server or framework gives this path as `root_path`. Routes do not contain it; addresses in
responses do.
"""

from urllib.parse import quote

from starlette.types import Scope


def mount_path(scope: Scope) -> str:
    """Return the path of the mount for addresses, such as `/uploads`; empty if there is none.

    The path is percent-encoded. It has one slash at the beginning, so that a browser never takes it
    for the name of a host, and none at the end.
    """
    path = scope.get("root_path", "").strip("/")
    return f"/{quote(path)}" if path else ""


def route_path(scope: Scope) -> str:
    """Return the path of a request without the path of the mount, such as `/api/grant`."""
    path: str = scope.get("path", "")
    return path.removeprefix(scope.get("root_path", "").rstrip("/"))
