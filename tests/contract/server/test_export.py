"""The export of all uploads is complete and does not block other requests."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ossferry.admin.endpoints import csv_pieces
from ossferry.ledger import Database, reports
from ossferry.ledger.reports import UploadRow, upload_pages
from support.ledgers import NOW, opened, owner, record

ALICE, BOB = owner(), owner("bob")
COUNT = 25


async def fill(database: Database) -> None:
    for who in (ALICE, BOB):
        for number in range(COUNT):
            now = NOW + timedelta(seconds=number // 4)  # several with the same time
            await record(database, who, f"{who.prefix}2026-03-14/r/{number}", now=now)


async def pages(database: Database, principal: str = "") -> list[Sequence[UploadRow]]:
    return [page async for page in upload_pages(database, principal=principal)]


async def test_every_upload_is_in_it_once_newest_first(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PAGE", 7)
    async with opened(ledger_url) as database:
        await fill(database)
        everybodys, hers = await pages(database), await pages(database, ALICE.hash)

    rows = [row for page in everybodys for row in page]
    assert [len(page) for page in everybodys] == [7] * 7 + [1]
    assert len({row.key for row in rows}) == 2 * COUNT
    times = [row.recorded_at for row in rows]
    assert times == sorted(times, reverse=True)
    assert {row.principal for page in hers for row in page} == {ALICE.hash}
    assert sum(len(page) for page in hers) == COUNT


async def test_the_table_is_handed_over_in_pieces(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PAGE", 7)
    async with opened(ledger_url) as database:
        await fill(database)
        pieces = [piece async for piece in csv_pieces(database, principal=BOB.hash)]

    lines = list(csv.reader(io.StringIO("".join(pieces))))
    assert len(pieces) == 4
    assert lines[0][:4] == ["recorded_at", "principal", "label", "key"]
    assert len({line[3] for line in lines[1:]}) == len(lines) - 1 == COUNT


async def only_line(database: Database) -> dict[str, str]:
    """Return the line about the only upload."""
    pieces = [piece async for piece in csv_pieces(database)]
    (line,) = csv.DictReader(io.StringIO("".join(pieces), newline=""))
    return line


async def test_of_a_claim_the_table_has_the_number_of_each_outcome(ledger_url: str) -> None:
    outcomes = ("error", "passed", "changed", "passed")
    ran = [{"check": "=a", "outcome": each, "says": "=b"} for each in outcomes]
    async with opened(ledger_url) as database:
        await record(database, ALICE, f"{ALICE.prefix}a.txt", checks={"version": "", "ran": ran})
        line = await only_line(database)

    assert line["checks_claimed"] == "passed: 2, changed: 1, error: 1"


@pytest.mark.parametrize(
    ("before", "first"),
    [("", each) for each in "=+-@\t\r"]
    + [("x;", "="), ("x\t", "@"), ("x\n", "+")]
    + [('x;"', "="), ('"', "+"), ('x;""" "', "-"), ("x;  '", "@"), ("x\t\u00a0\ufeff", "\uff1d")],
)
async def test_no_name_is_a_formula_to_a_spreadsheet(
    ledger_url: str, before: str, first: str
) -> None:
    formula = f'{first}HYPERLINK("https://evil.example")'
    eve = replace(owner("eve"), label=before + formula)
    async with opened(ledger_url) as database:
        await record(database, eve, f"{eve.prefix}a.txt")
        line = await only_line(database)

    assert line["label"] == f"{before}'{formula}"
