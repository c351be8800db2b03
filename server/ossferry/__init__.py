"""A server that gives each user short-lived credentials for one key prefix of an OSS bucket.

`create_app(settings)` returns a Starlette application with the upload page, the page's assets and
the API that issues credentials. The server never receives the bytes of a file; only the commands
`scan` and `check` read them. The server does not import the code of the page, and only the demo
command imports the mock of OSS and STS.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ossferry.app import create_app
    from ossferry.grants.permission import Authorize, Permission, Wanted
    from ossferry.identity.principal import Identify, Principal
    from ossferry.settings.loading import load_settings
    from ossferry.settings.model import Settings

__all__ = [
    "Authorize",
    "Identify",
    "Permission",
    "Principal",
    "Settings",
    "Wanted",
    "create_app",
    "load_settings",
]

_MODULES = {
    "Authorize": "ossferry.grants.permission",
    "Permission": "ossferry.grants.permission",
    "Wanted": "ossferry.grants.permission",
    "Identify": "ossferry.identity.principal",
    "Principal": "ossferry.identity.principal",
    "Settings": "ossferry.settings.model",
    "create_app": "ossferry.app",
    "load_settings": "ossferry.settings.loading",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that `ossferry mock-oss` starts without the server.

    Raises:
        AttributeError: the package has no such name.
    """
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'ossferry' has no attribute {name!r}")
