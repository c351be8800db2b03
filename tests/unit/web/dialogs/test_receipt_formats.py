"""The receipt of a batch: complete values, and no formula that a spreadsheet would run."""

import json

from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeFile
from upload_page.dialogs.receipt_formats import as_csv, as_json


def arrived(name):
    upload = Upload(FakeFile(name, 12), lambda _: None)
    upload.target.key, upload.target.crc64, upload.target.request_id = f"p/{name}", "42", "R1"
    return (upload, 1773480413.0)


def test_csv_quotes_and_disarms():
    rows = [arrived('a,"b".txt'), arrived("=cmd().csv")]

    assert as_csv(rows) == (
        "\ufeffname,key,size,crc64,request_id,arrived_at\r\n"
        '"a,""b"".txt","p/a,""b"".txt",12,42,R1,2026-03-14T09:26:53Z\r\n'
        "'=cmd().csv,p/=cmd().csv,12,42,R1,2026-03-14T09:26:53Z\r\n"
    )


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
            }
        ],
    }
