"""Decides who may write where in an OSS bucket, and vends the short-lived credentials to do it.

`create_app(settings)` is a Starlette application: the page, its assets and the token API.
It never sees a file's bytes, and it imports neither the page's code nor (outside `demo`) the mock.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ossferry.app import create_app
    from ossferry.identity.principal import Identify, Principal
    from ossferry.settings.loading import load_settings
    from ossferry.settings.model import Settings

__all__ = ["Identify", "Principal", "Settings", "create_app", "load_settings"]

_HOMES = {
    "Identify": "ossferry.identity.principal",
    "Principal": "ossferry.identity.principal",
    "Settings": "ossferry.settings.model",
    "create_app": "ossferry.app",
    "load_settings": "ossferry.settings.loading",
}


def __getattr__(name: str) -> object:
    """Load what is asked for when it is asked for: `ossferry mock-oss` needs none of it."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ossferry' has no attribute {name!r}")
