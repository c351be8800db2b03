"""The report for support has all necessary data, and no private data."""

from ossferry_uploader.oss.errors import Refused
from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeFile, lost
from upload_page.view.words.report import support_report


def report(error):
    upload = Upload(FakeFile("salary of eve.xlsx", 1200), lambda _: None)
    upload.target.key = "uploads/eve-123/salary of eve.xlsx"
    upload.error = error
    return support_report(upload, at="2026-03-14T09:26:53Z", page="https://a/", browser="B/1")


def test_a_refusal_is_reported_with_its_codes():
    error = Refused("AccessDenied", 403, message="No right.", request_id="R1", ec="0003-00000001")

    assert report(error) == (
        "time: 2026-03-14T09:26:53Z\npage: https://a/\nbrowser: B/1\nstate: waiting\n"
        "size: 1200 B\nsent: 0 B\nmultipart: no\nerror: Refused\ncode: AccessDenied\n"
        "EC: 0003-00000001\nstatus: 403\nrequest id: R1\nmessage: No right."
    )


def test_neither_name_nor_key_is_in_it():
    assert "eve" not in report(lost())
