"""Optional packages, which the extras of `pyproject.toml` install.

Call `require_extra` at the start of the server, before the import of an optional package. No other
module handles a missing package.
"""

import importlib.util

from ossferry.errors import MissingExtraError

__all__ = ["require_extra"]


def require_extra(name: str, *, module: str, needed_by: str) -> None:
    """Raise an error if a module of an optional package is not installed.

    Args:
        name: the extra that installs the package.
        module: the module that is going to be imported.
        needed_by: the option or command that needs the package.

    Raises:
        MissingExtraError: the module is missing. The message names the extra.
    """
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # a parent package is missing
        found = None
    if found is None:
        raise MissingExtraError(needed_by, f"pip install 'ossferry[{name}]'")
