"""The page's interpreters, by name; nothing else, so that the command line need not load more."""

from typing import Literal, TypeAlias

__all__ = ["Runtime"]

Runtime: TypeAlias = Literal["micropython", "pyodide"]
