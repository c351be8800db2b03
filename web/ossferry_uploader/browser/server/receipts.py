"""Requests to the ossferry server about stored objects and unfinished multipart uploads."""

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.errors import Corrupt
from ossferry_uploader.oss.replies import Stored
from ossferry_uploader.transfer.checks.claims import short_claim
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.grants.quota import Left, read_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.browser.server.calls import Server
    from ossferry_uploader.transfer.checks.claims import ReportFields
    from ossferry_uploader.transfer.target import RefusedObject

MISSING = "not-stored"
DIFFERENT = "receipt-mismatch"
STANDS, INTACT = "upload-stands", "intact"


class ServerReceipts:
    """Sends requests about stored objects; implements `transfer.ports.Receipts`.

    A receipt is the server's proof that an object is stored. If the server's response contains the
    remaining quota of the person who uploads, `on_left(quota)` is called with a `Left` object.
    """

    def __init__(self, server: "Server") -> None:
        self._server = server
        self.on_left: Callable[[Left], None] = lambda left: None

    async def confirm(self, upload: "ReportFields") -> "Stored | None":
        """Request a receipt: the proof that OSS stores an object with a file's size and CRC-64.

        Args:
            upload: a tuple: object key, size in bytes, CRC-64 as decimal text, OSS request id (may
                be empty), and the results of the checks (as in `Upload.checks`) or `None`. Long
                results are shortened.

        Returns:
            ETag, CRC-64 and request id of the object; `None` if there is no object with the key.

        Raises:
            Corrupt: the object with the key has another size or another CRC-64.
            ServerRefused: the server refused the request; the status is 0 if no response came, and
                200 if the response is malformed.
        """
        _, _, crc64, request_id, _ = upload
        try:
            reply = await self._server.call("POST", "/api/receipts", _report(*upload))
        except ServerRefused as error:
            if error.code == MISSING:
                return None
            if error.code == DIFFERENT:
                raise Corrupt("CRC-64", expected=crc64, actual=error.detail, is_mismatch=True)
            raise
        stored_crc64 = str(reply.get("crc64") or "")
        if not stored_crc64:
            raise ServerRefused(200, detail="the receipt is malformed")
        if stored_crc64 != crc64:
            raise Corrupt("CRC-64", expected=crc64, actual=stored_crc64)
        if "quota" in reply:
            self.on_left(read_left(reply["quota"]))
        return Stored(str(reply.get("etag", "")), stored_crc64, request_id)

    async def confirm_all(self, uploads: "list[ReportFields]") -> None:
        """Report up to 200 uploads to the server in one request.

        The server records each upload whose object in OSS has the reported size and CRC-64. The
        caller does not learn which uploads the server has recorded.

        Args:
            uploads: a tuple for each upload: object key, size in bytes, CRC-64 as decimal text, OSS
                request id, and the results of the checks or `None`.

        Raises:
            ServerRefused: the server refused the request, and recorded none of the uploads; the
                status is 0 if no response came, and 200 if the response is malformed.
        """
        reports = [_report(*upload) for upload in uploads]
        reply = await self._server.call("POST", "/api/receipts/batch", {"reports": reports})
        receipts = reply.get("receipts")
        if not isinstance(receipts, list) or len(receipts) != len(reports):
            raise ServerRefused(200, detail="the receipts are malformed")
        if "quota" in reply:
            self.on_left(read_left(reply["quota"]))

    async def refuse(self, refused: "RefusedObject") -> bool:
        """Ask the ossferry server to delete an object that differs from the uploaded file.

        Args:
            refused: the key, ETag and OSS request id of the object, and the size and CRC-64 of the
                file.

        Returns:
            `True` if the server deletes the object. `False` if the server finds that the object is
            identical to the file.

        Raises:
            ServerRefused: the server refused the request; the status is 0 if no response came.
        """
        document: dict[str, object] = {
            "key": refused.key,
            "size": refused.size,
            "crc64": refused.crc64,
            "etag": refused.etag or None,
            "request_id": refused.request_id or None,
        }
        try:
            await self._server.call("POST", "/api/receipts/refused", document)
        except ServerRefused as error:
            if error.code == STANDS and error.reason == INTACT:
                return False
            raise
        return True

    async def identical(self, path: str, size: int, crc64: str, details: "dict[str, str]") -> str:
        """Return the key of the person's own object that is identical to a file.

        The ossferry server searches for the object. The result is empty if there is none.

        Args:
            path: folders and name of the file as they are in object keys, such as `a/b/photo.jpg`;
                `named_key("", name, path=folders)` returns this text.
            size: the size of the file in bytes.
            crc64: the CRC-64 of the file as decimal text.
            details: the metadata that the object must have; see `Options.details`.

        Raises:
            ServerRefused: the server refused the request; the status is 0 if no response came.
        """
        document: dict[str, object] = {"path": path, "size": size, "crc64": crc64}
        if details:
            document["details"] = details
        reply = await self._server.call("POST", "/api/objects/identical", document)
        return str(reply.get("key") or "")

    async def begun_empty(self, key: str) -> "list[str]":
        """Return the ids of the multipart uploads with this object key that are empty.

        A multipart upload is empty if OSS has no part of it. The ossferry server lists them.

        Raises:
            ServerRefused: the server refused the request; the status is 0 if no response came.
        """
        reply = await self._server.call("GET", f"/api/unfinished?key={percent_encode(key)}")
        return [
            str(upload["upload_id"]) for upload in reply.get("uploads", []) if not upload["size"]
        ]

    async def abort(self, key: str, upload_id: str) -> None:
        """Ask the ossferry server to abort a multipart upload, so that OSS deletes the parts.

        Raises:
            ServerRefused: the server refused the request; the status is 0 if no response came.
        """
        query = f"key={percent_encode(key)}&upload_id={percent_encode(upload_id)}"
        await self._server.call("DELETE", f"/api/unfinished?{query}")


def _report(
    key: str, size: int, crc64: str, request_id: str, checks: "dict[str, Any] | None"
) -> "dict[str, object]":
    report: dict[str, object] = {
        "key": key,
        "size": size,
        "crc64": crc64,
        "request_id": request_id or None,
    }
    claim = short_claim(checks)
    if claim:
        report["checks"] = claim
    return report
