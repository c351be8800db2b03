"""ossferry: decides who may write where in an OSS bucket, and issues short-lived credentials.

`create_app(settings)` is a Starlette application with the page, its assets and the token API. The
server never receives the bytes of a file. It imports neither the page's code nor, except for the
demo, the mock.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ossferry.app import create_app
    from ossferry.identity.principal import Identify, Principal
    from ossferry.settings.loading import load_settings
    from ossferry.settings.model import Settings

__all__ = ["Identify", "Principal", "Settings", "create_app", "load_settings"]

_MODULES = {
    "Identify": "ossferry.identity.principal",
    "Principal": "ossferry.identity.principal",
    "Settings": "ossferry.settings.model",
    "create_app": "ossferry.app",
    "load_settings": "ossferry.settings.loading",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use: `ossferry mock-oss` must start without the server."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'ossferry' has no attribute {name!r}")
