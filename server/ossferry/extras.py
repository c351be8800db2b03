"""Checks for optional packages, which the extras of `pyproject.toml` install.

Call `require_extra` when the server starts, before the import of an optional package. No other
module handles a missing package. Error messages name the wheel files that `make wheel` creates, and
not package names: our names are not registered in the package index, so anybody could publish a
package there.
"""

import importlib.util
import sys

from ossferry.errors import MissingExtraError

DIST = "PATH/TO/dist"
WHEELS = {"demo": f"{DIST}/mock_oss-*.whl", "pyodide": f"{DIST}/ossferry_pyodide-*.whl"}
"""The extras that are wheels of our own."""


def install_command(extra: str) -> str:
    """Return the pip command that installs an extra into the environment of this server.

    The command contains the placeholder `PATH/TO/dist`, the folder that `make wheel` creates.
    """
    wheels = WHEELS.get(extra, f'"$(echo {DIST}/ossferry-*.whl)[{extra}]"')
    return f"{sys.executable} -m pip install --constraint {DIST}/constraints.txt {wheels}"


def require_extra(name: str, *, module: str, needed_by: str) -> None:
    """Raise an error if a module of an optional package is not installed.

    Args:
        name: the extra that installs the package.
        module: name of the module to look for; it is not imported.
        needed_by: the option or command that needs the package, for the error message.

    Raises:
        MissingExtraError: the module is missing. The message contains the command that installs it.
    """
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # a parent package is missing
        found = None
    if found is None:
        raise MissingExtraError(needed_by, install_command(name))
