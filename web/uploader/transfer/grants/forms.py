"""Decides which small files are sent with a form (PostObject) instead of PutObject.

A form needs no CORS preflight, so it saves one round trip per file. It cannot carry tags, and
browsers report no progress for a form.

If OSS refuses a form, or the page cannot read the answer to a form, the page sends this file and
all later files with PutObject.
"""

from uploader.oss.errors import Corrupt, Refused
from uploader.oss.post_object import post_object, signed_fields
from uploader.transfer.grants.origins import refuses_host
from uploader.transfer.pacing.retry import is_shut_out, is_transient
from uploader.transfer.plan import KIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uploader.oss.requests import Request
    from uploader.oss.signing import Header
    from uploader.transfer.grants.grant import Grant

__all__ = ["FORM_BYTES", "Forms"]

FORM_BYTES = 256 * KIB
SIGNED_FOR_S = 600.0  # OSS may receive a form up to 15 minutes after `x-oss-date`
TAKEN = "FileAlreadyExists"
TAGS = "x-oss-tagging"


class Forms:
    """Builds the requests for small files with forms. All uploads of a page share one object.

    Args:
        max_bytes: the size of the largest file that is sent with a form; -1 for no forms.

    Attributes:
        refusal: the error because of which the page sends no more forms; `None` if there was none.
    """

    def __init__(self, max_bytes: int = FORM_BYTES) -> None:
        self._max_bytes = max_bytes
        self.refusal: Exception | None = None

    def fits(self, size: int, key: str, headers: "list[Header]") -> bool:
        """Return whether a file can be sent with a form.

        Args:
            size: the size of the file in bytes.
            key: the key of the object.
            headers: the headers of the PutObject request for the file.
        """
        if self.refusal or size > self._max_bytes or "$" in key:  # as in `${filename}`
            return False
        return TAGS not in [name for name, _ in headers]

    def request(self, grant: "Grant", now_s: float, key: str, headers: "list[Header]") -> "Request":
        """Return a PostObject request for a file.

        Args:
            now_s: the present time by the server's clock, in seconds since 1970.
            key: the key of the object.
            headers: the headers of the PutObject request for the file.
        """
        return post_object(self._signed(grant, now_s), grant.bucket, key, headers=headers)

    def _signed(self, grant: "Grant", now_s: float) -> "Sequence[Header]":
        credentials = grant.credentials
        if credentials.form is None or not 0 <= now_s - credentials.form[1] < SIGNED_FOR_S:
            fields = signed_fields(
                credentials,
                grant.bucket,
                grant.prefix,
                at_s=now_s,
                expires_at_s=grant.expires_at_s,
                max_bytes=min(self._max_bytes, grant.limits.max_file_size),
            )
            credentials.form = (fields, now_s)
        return credentials.form[0]

    def refused(self, request: "Request | None", error: Exception) -> bool:
        """Return whether the file has to be sent with PutObject, because its form failed.

        Args:
            request: the request that failed; `None` if there was none.
            error: the error of the request.
        """
        if request is None or not request.is_form or not _is_refusal(error):
            return False
        self.refusal = self.refusal or error
        return True


def _is_refusal(error: Exception) -> bool:
    """Return whether PutObject may succeed after this error of a form."""
    if isinstance(error, Refused):
        is_others = error.code == TAKEN or refuses_host(error) or error.repair
        return not (is_others or is_transient(error))
    return is_shut_out(error) or (isinstance(error, Corrupt) and not error.is_mismatch)
