"""The browser's globals as the type checker sees them: anything."""

from typing import Any

def __getattr__(name: str) -> Any: ...
