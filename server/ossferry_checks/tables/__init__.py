"""Repairs tables: finds the rows of a CSV file or workbook that break rules, and corrects them.

    from ossferry_checks.tables import Decisions, Scan, Table, clean

    table = Table.of(Order, aliases={"sku": ["SKU", "article"]}, unique=["id"])
    scan = Scan("orders.csv", table)
    for share in scan.run():
        ...
    for group in scan.groups:
        print(group.count, group.field, group.problem, group.fixes)
    scan.decide({"format": ["date", "day.month.year"]})
    result = clean("orders.csv", table, scan.decisions, into="clean.csv")

The decisions of a person are plain data: `clean` writes the same bytes for the same decisions on
every Python interpreter. The package needs only Python's standard library, pydantic for models, and
openpyxl for workbooks.
"""

from ossferry_checks.results import TableError
from ossferry_checks.tables.cleaning import Cleaning, Result, clean
from ossferry_checks.tables.decisions import Decisions, Fix
from ossferry_checks.tables.declaration import Field, Table
from ossferry_checks.tables.matching import Column, match
from ossferry_checks.tables.problems import Group, Problem
from ossferry_checks.tables.reading import ENCODINGS, Head, Reading
from ossferry_checks.tables.scan import Scan
from ossferry_checks.tables.values import formats

__all__ = [
    "ENCODINGS",
    "Cleaning",
    "Column",
    "Decisions",
    "Field",
    "Fix",
    "Group",
    "Head",
    "Problem",
    "Reading",
    "Result",
    "Scan",
    "Table",
    "TableError",
    "clean",
    "formats",
    "match",
]
