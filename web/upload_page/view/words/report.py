"""The report about a failed upload: a text for the support team, without secrets."""

from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.transfer.errors import ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.upload import Upload


def support_report(upload: "Upload", *, at: str, page: str, browser: str) -> str:
    """Return a report about a failed upload for the support team, as lines of `name: value`.

    The report does not contain the name and the object key of the file, because both are private.

    Args:
        at: the time of the report, as text.
        page: the URL of the page without its query.
        browser: the browser's user agent string.
    """
    error = upload.error
    lines = [
        ("time", at),
        ("page", page),
        ("browser", browser),
        ("state", upload.state),
        ("size", f"{upload.file.size} B"),
        ("sent", f"{upload.sent} B"),
        ("multipart", "yes" if upload.upload_id else "no"),
        ("error", type(error).__name__),
    ]
    if isinstance(error, Refused):
        lines += [
            ("code", error.code),
            ("EC", error.ec),
            ("status", str(error.status)),
            ("request id", error.request_id),
            ("message", error.message),
        ]
    elif isinstance(error, Corrupt):
        lines += [("what", str(error)), ("request id", error.request_id)]
    elif isinstance(error, ServerRefused):
        lines += [("code", error.code), ("status", str(error.status)), ("report", error.id)]
    else:
        lines.append(("what", str(error)))
    return "\n".join([f"{name}: {value}" for name, value in lines if value])
