"""Deleting a bucket's old versions, which a stub lists exactly like the vendor's pages.

Source: vendor pages ListObjectVersions and DeleteMultipleObjects. The stub checks no signature.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree as ET

import pytest

from ossferry.oss.sts import access_key
from ossferry.setup.bucket import Bucket
from ossferry.setup.wanted import Wanted

OWNER = "<Owner><ID>1234512528586****</ID><DisplayName>1234512528586****</DisplayName></Owner>"
VERSION = """<Version><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>{latest}</IsLatest>
<LastModified>2019-04-09T07:27:28.000Z</LastModified><ETag>"250F8A0AE989679A22926A875F0A2****"</ETag>
<Type>Normal</Type><Size>93731</Size><StorageClass>Standard</StorageClass>{owner}</Version>"""
MARKER = """<DeleteMarker><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>true</IsLatest>
<LastModified>2019-04-09T07:27:28.000Z</LastModified>{owner}</DeleteMarker>"""
PAGE = """<?xml version="1.0" encoding="UTF-8"?><ListVersionsResult><Name>b</Name><Prefix/>
<KeyMarker/><VersionIdMarker/><MaxKeys>1000</MaxKeys><Delimiter/><EncodingType>url</EncodingType>
{end}{entries}</ListVersionsResult>"""
MORE = """<IsTruncated>true</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>
<NextVersionIdMarker>{version}</NextVersionIdMarker>"""
LAST = "<IsTruncated>false</IsTruncated>"
PAGE_SIZE = 3
OTHERS = {
    "versioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "uploads": "<ListMultipartUploadsResult><Bucket>b</Bucket><KeyMarker/><UploadIdMarker/>"
    "<NextKeyMarker/><NextUploadIdMarker/><Delimiter/><Prefix/><MaxUploads>1000</MaxUploads>"
    "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
    "list-type": "<ListBucketResult><Name>b</Name><Prefix/><MaxKeys>1</MaxKeys><Delimiter/>"
    "<IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>",
}


class Stub(ThreadingHTTPServer):
    """A bucket with versioning, whose current objects are deleted already."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.entries = {
            ("uploads/a b.txt", "CAEQ1"): VERSION,
            ("uploads/a b.txt", "CAEQ2"): VERSION,
            ("uploads/a b.txt", "CAEQ3"): MARKER,
            ("uploads/gone", "null"): MARKER,
        }

    def page(self, after: tuple[str, str]) -> str:
        """Return the answer to ListObjectVersions; keys are URL-encoded.

        Args:
            after: key and version id of the last entry on the page before.
        """
        rest = sorted(each for each in self.entries if each > after)
        shown = rest[:PAGE_SIZE]
        texts = [
            self.entries[key, version].format(
                key=quote(key), version=version, latest="false", owner=OWNER
            )
            for key, version in shown
        ]
        end = LAST
        if len(rest) > PAGE_SIZE:
            end = MORE.format(key=quote(shown[-1][0]), version=shown[-1][1])
        return PAGE.format(end=end, entries="".join(texts))

    def delete(self, body: bytes) -> str:
        """Delete the versions in a request of DeleteMultipleObjects."""
        for each in ET.fromstring(body).findall("Object"):  # noqa: S314 - a request of our own
            del self.entries[each.findtext("Key", ""), each.findtext("VersionId", "")]
        return "<DeleteResult/>"


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one bucket."""

    server: Stub

    def do_GET(self) -> None:
        """Answer a request that reads."""
        query = dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
        if "versions" in query:
            self._answer(self.server.page((query["key-marker"], query["version-id-marker"])))
        else:
            self._answer(OTHERS[(query.keys() & OTHERS.keys()).pop()])

    def do_POST(self) -> None:
        """Answer DeleteMultipleObjects."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(self.server.delete(body))

    def _answer(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("content-type", "application/xml")
        self.send_header("x-oss-request-id", "5CAC4364B7AEADE017000660")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A stub that answers while the test runs."""
    with Stub() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_old_versions_and_delete_markers_are_deleted(stub: Stub) -> None:
    wanted = Wanted(
        account="1000000000000000",
        bucket="web-direct-upload",
        region="cn-hangzhou",
        origins=("https://uploads.example.com",),
    )
    address = f"http://127.0.0.1:{stub.server_port}"
    bucket = Bucket(wanted, access_key("LTAI5tMockAdmin", "secret"), address)
    counted: list[int] = []
    bucket.on_deleted = counted.append

    bucket.run("DeleteObjects")
    bucket.close()

    assert stub.entries == {}
    assert counted == [3, 4]
