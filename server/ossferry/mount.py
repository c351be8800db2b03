"""The path of the mount: the URL path below which an application has mounted this server.

An ASGI server or framework gives this path as `root_path`. Route paths do not contain it; URLs in
responses do.
"""

from urllib.parse import quote

from starlette.types import Scope


def mount_path(scope: Scope) -> str:
    """Return the path of the mount for URLs in responses, such as `/uploads`; empty if not mounted.

    The path is percent-encoded and does not end in a slash. It begins with only one slash, because
    browsers interpret two slashes as the beginning of a host name.
    """
    path = scope.get("root_path", "").strip("/")
    return f"/{quote(path)}" if path else ""


def route_path(scope: Scope) -> str:
    """Return the path of a request without the path of the mount, such as `/api/grant`."""
    path: str = scope.get("path", "")
    return path.removeprefix(scope.get("root_path", "").rstrip("/"))
