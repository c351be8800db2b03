"""Checks of files before their upload.

The operator of a server writes a module `checks.py`, in which functions have the decorator `check`.
The web page runs these functions in the visitor's browser, in Pyodide; the command `ossferry check`
runs the same functions on the server.

    import csv

    from ossferry_checks import Reject, check

    @check("*.csv", max_seconds=30)
    def has_our_columns(file):
        with file.path.open(newline="") as f:
            header = next(csv.reader(f), [])
        if header[:3] != ["date", "sku", "amount"]:
            raise Reject("The first three columns must be date, sku, amount.", line=1)

A function returns `None`, a `Note`, a `Replace`, an `Ask`, or a list of these; it raises or returns
`Reject` to refuse the file. A function may be asynchronous.

This package needs only Python's standard library. It runs on CPython 3.11 and later, and in
Pyodide.
"""

from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check, check
from ossferry_checks.results import Ask, Details, Note, Reject, Replace

__all__ = ["Ask", "Check", "CheckedFile", "Details", "Note", "Reject", "Replace", "check"]
