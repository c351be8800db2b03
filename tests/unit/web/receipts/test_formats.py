"""The receipt of a batch: complete values, and no formula that a spreadsheet would run."""

import json

from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeFile
from upload_page.receipts.formats import as_csv, as_json


def arrived(name):
    upload = Upload(FakeFile(name, 12), lambda _: None)
    upload.target.key, upload.target.crc64, upload.target.request_id = f"p/{name}", "42", "R1"
    return (upload, 1773480413.0)


def claim(*entries):
    ran = [{"check": check, "outcome": outcome, "says": says} for check, outcome, says in entries]
    return {"version": "", "ran": ran}


def test_csv_quotes_and_disarms():
    rows = [arrived('a,"b".txt'), arrived('"=cmd().csv')]

    assert as_csv(rows) == (
        "\ufeffname,key,size,crc64,request_id,arrived_at,checks_claimed\r\n"
        '"a,""b"".txt","p/a,""b"".txt",12,42,R1,2026-03-14T09:26:53Z,\r\n'
        '"""\'=cmd().csv","p/""=cmd().csv",12,42,R1,2026-03-14T09:26:53Z,\r\n'
    )


def test_no_formula_begins_after_a_separator_of_another_program():
    names = ["x;=cmd|' /C calc'!A0;.txt", "a\t+1", "b\n@c", 'c;"" \'-d', '"e;\ufeff\uff1df']

    text = as_csv([arrived(name) for name in names])

    for safe in (
        "x;'=cmd|' /C calc'!A0;.txt",
        "a\t'+1",
        "b\n'@c",
        'c;"""" \'\'-d',
        '""e;\ufeff\'\uff1df',
    ):
        assert f'"{safe}","p/{safe}",12' in text


def test_what_the_checks_said_is_one_cell_and_no_formula():
    row = arrived("a.txt")
    row[0].checks = claim(("=f", "passed", ""), ("small", "changed", 'from "4" to 1, MB'))

    cell = as_csv([row]).rstrip().partition("26:53Z,")[2]

    assert cell == '"\'=f: passed; small: changed (from ""4"" to 1, MB)"'


def test_json_has_what_the_checks_said_as_the_server_has_it():
    row = arrived("a.txt")
    row[0].checks = claim(("a", "passed", "x" * 501))

    (file,) = json.loads(as_json([row]))["files"]

    assert file["checks_claimed"] == claim(("a", "passed", "x" * 499 + "…"))


def test_json_holds_the_same():
    document = json.loads(as_json([arrived("ü.txt")]))

    assert document == {
        "version": 1,
        "files": [
            {
                "name": "ü.txt",
                "key": "p/ü.txt",
                "size": 12,
                "crc64": "42",
                "request_id": "R1",
                "arrived_at": "2026-03-14T09:26:53Z",
                "checks_claimed": None,
            }
        ],
    }
