"""Decide which files are sent with a signed form (PostObject) instead of a PutObject request.

A form needs no CORS preflight, which saves one round trip per file. But a form cannot carry tags,
and the page cannot observe its progress, because browsers send a preflight if a script listens for
progress. Therefore only small files are sent with a form, and larger ones only if the measured
speed sends them in a short time (see `plan.form_bytes_for`).

If OSS refuses a form, or the page cannot read the reply to a form, the page sends this file and all
later files with PutObject.

If the server gives a signed form but no credentials, all files are sent with this form; files
larger than `FORM_BYTES` are then sent with progress. Browsers cache the result of the preflight,
because all forms have the same URL.
"""

from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.oss.post_object import post_object, signed_fields
from ossferry_uploader.transfer.grants.origins import refuses_host
from ossferry_uploader.transfer.pacing.retry import is_shut_out, is_transient
from ossferry_uploader.transfer.plan import FORM_BYTES, MAX_FORM_BYTES, form_bytes_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ossferry_uploader.oss.requests import Bucket, Operation, Request
    from ossferry_uploader.oss.signing import Header
    from ossferry_uploader.transfer.grants.grant import Grant

SIGNED_FOR_S = 600.0  # OSS may receive a form up to 15 minutes after `x-oss-date`
TAKEN = "FileAlreadyExists"
TAGS = "x-oss-tagging"
CONTENT_TYPE = "content-type"


class Forms:
    """Builds the PostObject requests for small files; all uploads of a page share one instance.

    Attributes:
        refusal: the error after which the page sends no more forms; `None` if there was none.
    """

    def __init__(self) -> None:
        self.refusal: Exception | None = None

    def request(
        self,
        operation: "Operation",
        grant: "Grant",
        bucket: "Bucket",
        *,
        at_s: float,
        rate_bytes_per_s: float,
    ) -> "Request | None":
        """Return a PostObject request that stores the same object as a PutObject operation.

        Args:
            operation: the PutObject operation.
            at_s: the present time by the server's clock, in seconds since 1970.
            rate_bytes_per_s: the measured speed of one connection; 0 if unknown.

        Returns:
            The request. `None` if the file must be sent with PutObject: a form has failed before,
            the file is too large for the speed (see `form_bytes_for`), the object has tags, or the
            key contains `$`. With a grant that has only a form, never `None`.
        """
        key, headers, size = operation.key, list(operation.headers), operation.body.size
        if not grant.form:
            is_large = size > form_bytes_for(rate_bytes_per_s)
            has_tags = TAGS in [name for name, _ in headers]
            if self.refusal or is_large or has_tags or "$" in key:  # as in `${filename}`
                return None
        elif grant.limits.types:
            headers = [_without_parameters(header) for header in headers]
        fields = grant.form or self._signed(grant, at_s)
        has_progress = bool(grant.form) and size > FORM_BYTES
        return post_object(fields, bucket, key, headers=headers, has_progress=has_progress)

    def _signed(self, grant: "Grant", now_s: float) -> "Sequence[Header]":
        credentials = grant.credentials
        if credentials.form is None or not 0 <= now_s - credentials.form[1] < SIGNED_FOR_S:
            fields = signed_fields(
                credentials,
                grant.bucket,
                grant.prefix,
                at_s=now_s,
                expires_at_s=grant.expires_at_s,
                max_bytes=min(MAX_FORM_BYTES, grant.limits.max_file_size),
            )
            credentials.form = (fields, now_s)
        return credentials.form[0]

    def refused(self, grant: "Grant", request: "Request | None", error: Exception) -> bool:
        """Return whether a file has to be sent with PutObject, because its form has failed.

        If so, store the error in `refusal`, so that no more forms are sent. The result is `False`
        if the request is not a form, if the grant has no credentials for PutObject, or if
        PutObject would fail too.

        Args:
            grant: the grant with which the request was sent.
            request: the request that failed; `None` if it was not built.
            error: the error of the request.
        """
        if grant.form or request is None or not request.is_form or not _is_refusal(error):
            return False
        self.refusal = self.refusal or error
        return True


def _without_parameters(header: "Header") -> "Header":
    """Return a header; a content type becomes as the server writes it in the policy of a form."""
    name, value = header
    if name == CONTENT_TYPE:
        value = value.partition(";")[0].strip().lower()
    return (name, value)


def _is_refusal(error: Exception) -> bool:
    """Return whether PutObject may succeed after this error of a form."""
    if isinstance(error, Refused):
        is_others = error.code == TAKEN or refuses_host(error) or error.repair
        return not (is_others or is_transient(error))
    return is_shut_out(error) or (isinstance(error, Corrupt) and not error.is_mismatch)
