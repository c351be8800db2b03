"""Optional packages, which the extras of `pyproject.toml` install.

Call `require_extra` at the start of the server, before the import of an optional package. No other
module handles a missing package. The commands name the wheel files of `make wheel`, and never the
package index: our names are not registered there, so anybody could publish a package of this name.
"""

import importlib.util

from ossferry.errors import MissingExtraError

__all__ = ["WHEELS", "install_command", "require_extra"]

WHEELS = {
    "demo": "dist/mock_oss-*.whl",
    "pyodide": "dist/ossferry_pyodide-*.whl",
}
"""The extras that are wheels of our own."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra, in the folder in which `make wheel` has run."""
    wheels = WHEELS.get(extra, f'"$(echo dist/ossferry-*.whl)[{extra}]"')
    return f"pip install {wheels}"


def require_extra(name: str, *, module: str, needed_by: str) -> None:
    """Raise an error if a module of an optional package is not installed.

    Args:
        name: the extra that installs the package.
        module: the module that is going to be imported.
        needed_by: the option or command that needs the package.

    Raises:
        MissingExtraError: the module is missing. The message has the command that installs it.
    """
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # a parent package is missing
        found = None
    if found is None:
        raise MissingExtraError(needed_by, install_command(name))
