"""Optional packages, which the extras of `pyproject.toml` install.

Call `require_extra` at the start of the server, before the import of an optional package. No other
module handles a missing package. The commands name the wheel files of `make wheel`, and never the
package index: our names are not registered there, so anybody could publish a package of this name.
"""

import importlib.util
import sys

from ossferry.errors import MissingExtraError

DIST = "PATH/TO/dist"
WHEELS = {"demo": f"{DIST}/mock_oss-*.whl", "pyodide": f"{DIST}/ossferry_pyodide-*.whl"}
"""The extras that are wheels of our own."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra beside this server; `DIST` is from `make wheel`."""
    wheels = WHEELS.get(extra, f'"$(echo {DIST}/ossferry-*.whl)[{extra}]"')
    return f"{sys.executable} -m pip install --constraint {DIST}/constraints.txt {wheels}"


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
