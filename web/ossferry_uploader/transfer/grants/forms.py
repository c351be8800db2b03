"""Decides which files are sent with a form (PostObject) instead of PutObject.

Small files are sent with a form, because a form needs no CORS preflight, so it saves one round trip
per file. It cannot carry tags, and the page gets no progress: with a listener for progress,
browsers would send a preflight. Therefore larger files are sent with a form only if the measured
speed of the line sends them in a short time, see `plan.form_bytes_for`.

If OSS refuses such a form, or the page cannot read the answer to a form, the page sends this file
and all later files with PutObject.

If the server gives a signed form and no credentials, all files are sent with this form. Files
larger than `FORM_BYTES` are then sent with progress. Browsers keep the preflight's answer, because
all forms have the same URL.
"""

from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.oss.post_object import post_object, signed_fields
from ossferry_uploader.transfer.errors import NoForm
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
VARIABLE = "${"  # OSS replaces `${filename}` in the key of a form


def check_form(key_name: str, *, has_tags: bool, is_stream: bool) -> None:
    """Check that a form can carry an upload.

    Args:
        key_name: the folders and the name of the file.
        has_tags: whether the object is to have tags.
        is_stream: whether the size of the file is unknown.

    Raises:
        NoForm: a form cannot carry the upload.
    """
    if is_stream:
        raise NoForm("a form needs the size of the file, and streams have none")
    if has_tags:
        raise NoForm("a form cannot carry tags")
    if VARIABLE in key_name:
        raise NoForm(f"OSS would replace {VARIABLE} in the name")


class Forms:
    """Builds the requests for small files with forms. All uploads of a page share one object.

    Attributes:
        refusal: the error because of which the page sends no more forms; `None` if there was none.
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
        """Return a PostObject request for the file of a PutObject request.

        Args:
            at_s: the present time by the server's clock, in seconds since 1970.
            rate_bytes_per_s: the measured speed of one connection; 0 if unknown.

        Returns:
            `None` if the file is sent without a form.
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
        """Return whether the file has to be sent with PutObject, because its form failed.

        Args:
            grant: the grant of the request.
            request: the request that failed; `None` if there was none.
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
