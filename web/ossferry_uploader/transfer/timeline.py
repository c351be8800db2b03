"""The times of the page's latest requests to OSS, with which support can explain a slow upload."""

from ossferry_uploader.oss.errors import Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.oss.replies import Reply
    from ossferry_uploader.oss.requests import Operation
    from ossferry_uploader.transfer.upload import Upload

MOST = 300  # requests that are kept


class Timing:
    """The times of one request to OSS, in seconds of the page's monotonic clock.

    Attributes:
        upload_number: the number of the upload that sent the request.
        file: the name under which the upload stores its file; it is private.
        name: the operation, such as `UploadPart`.
        part: the part number; 0 if the request has none.
        size: the number of bytes of a file in the body; 0 if there are none.
        asked_s: when the upload asked for a connection.
        signed_s: when the request was signed and sending began; `None` if it did not begin.
        sent_s: when the browser last reported progress of the body; `None` if it reported none.
        ended_s: when the reply arrived or the request failed; `None` while it runs.
        status: the HTTP status; 0 if there is no reply.
        request_id: OSS's id of the request; empty if there is no reply.
        error: why there is no reply, such as `interrupted`; empty if there is one.
    """

    def __init__(self, upload: "Upload", operation: "Operation", asked_s: float) -> None:
        self.upload_number, self.file = upload.number, upload.name
        self.name = operation.name
        self.part = operation.number
        self.size: int = getattr(operation.body, "size", 0)
        self.asked_s = asked_s
        self.signed_s: float | None = None
        self.sent_s: float | None = None
        self.ended_s: float | None = None
        self.status = 0
        self.request_id = self.error = ""

    def answer(self, reply: "Reply") -> None:
        """Note the reply to the request."""
        self.status, self.request_id = reply.status, reply.header("x-oss-request-id")

    def fail(self, error: Exception) -> None:
        """Note why the request has no reply."""
        if not self.status:
            self.error = error.reason if isinstance(error, Lost) else type(error).__name__

    def end(self, now_s: float) -> None:
        """Note that the request has ended; it was cancelled if there is neither reply nor error."""
        self.ended_s = now_s
        if not self.status and not self.error:
            self.error = "cancelled"

    def phases_s(self, now_s: float) -> "tuple[float, float, float]":
        """Return for how long the request has waited, sent its body, and waited for the reply.

        Args:
            now_s: the end of a request that still runs.
        """
        end_s = now_s if self.ended_s is None else self.ended_s
        signed_s = end_s if self.signed_s is None else self.signed_s
        sent_s = signed_s if self.sent_s is None else self.sent_s
        return signed_s - self.asked_s, sent_s - signed_s, end_s - sent_s


class Timeline:
    """The latest `MOST` requests of all uploads of a page, in the order in which they began."""

    def __init__(self) -> None:
        self.timings: list[Timing] = []

    def begin(self, upload: "Upload", operation: "Operation", asked_s: float) -> Timing:
        """Note and return a request that an upload wants to send."""
        if len(self.timings) >= 2 * MOST:
            self.timings = self.timings[-MOST:]
        timing = Timing(upload, operation, asked_s)
        self.timings.append(timing)
        return timing

    def latest(self, upload_number: "int | None" = None) -> "list[Timing]":
        """Return the latest requests, oldest first; with a number only those of this upload."""
        found = [each for each in self.timings if upload_number in (None, each.upload_number)]
        return found[-MOST:]


def without_secrets(timings: "list[Timing]", now_s: float) -> "list[dict[str, Any]]":
    """Return requests as JSON data, without names, keys and signatures; times are milliseconds.

    Args:
        now_s: the end of requests that still run, in seconds of the page's monotonic clock.
    """
    rows = []
    for timing in timings:
        waited_s, sent_s, answered_s = timing.phases_s(now_s)
        rows.append(
            {
                "request": timing.name,
                "part": timing.part or None,
                "bytes": timing.size,
                "upload": timing.upload_number,
                "at_ms": int(1000 * (timing.asked_s - timings[0].asked_s)),
                "waited_ms": int(1000 * waited_s),
                "sent_ms": int(1000 * sent_s),
                "answered_ms": int(1000 * answered_s),
                "status": timing.status or None,
                "error": timing.error,
                "request_id": timing.request_id,
            }
        )
    return rows
