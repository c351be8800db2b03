"""Explanations of errors: what happened, what the person can do, and details for support."""

from ossferry_uploader.oss.errors import Corrupt, Lost, Refused
from ossferry_uploader.oss.replies import HEADERS_READ, NO_HEADER
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import (
    BadOptions,
    CannotEdit,
    CannotEncrypt,
    CheckFailed,
    FileRejected,
    FileTooLarge,
    FileTooSmall,
    FileUnreadable,
    NameTooLong,
    NoForm,
    PartsLeft,
    QuotaExceeded,
    ServerRefused,
    TooManyBytes,
    TooManyFiles,
    WrongSize,
    WrongType,
)
from ossferry_uploader.transfer.grants.credentials import OTHER_PERSON
from ossferry_uploader.transfer.pacing.retry import SERVER_UNAVAILABLE, is_transient
from upload_page.view.words.text import (
    count_files,
    ended,
    moment,
    number,
    say,
    say_count,
    size_text,
    types_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOT_STORED = "not-stored"  # code of our server

# Errors whose text is shown too, and the key of the sentence.
DETAILED = (
    (BadOptions, "bad_options"),
    (CannotEdit, "no_edit"),
    (CannotEncrypt, "no_encryption"),
    (NoForm, "no_form"),
)

# {code of OSS: key of the sentence}
CODES = {
    "AccessDenied": "denied",
    "AccessForbidden": "cors",
    "AccessKeyIdAndSecurityTokenNotMatch": "credentials",
    "BucketDisable": "disabled",
    "BucketNotBelongTo": "denied",
    "EntityTooLarge": "entity_large",
    "EntityTooSmall": "entity_small",
    "FileAlreadyExists": "exists",
    "FileImmutable": "immutable",
    "FilePartInterity": "parts",
    "FilePartNotExist": "parts",
    "FilePartStale": "parts",
    "InvalidAccessKeyId": "credentials",
    "InvalidEncryptionAlgorithmError": "encryption",
    "InvalidObjectName": "object_name",
    "InvalidPart": "parts",
    "InvalidPartOrder": "parts",
    "InvalidSecurityToken": "credentials",
    "KmsServiceNotEnabled": "encryption",
    "NoSuchBucket": "no_bucket",
    "NoSuchCname": "domain",
    "NoSuchUpload": "parts",
    "NonStandardHostForbidden": "domain",
    "PermanentRedirect": "endpoint",
    "PublicEndpointForbidden": "public_endpoint",
    "RequestTimeTooSkewed": "clock",
    "SecondLevelDomainForbidden": "path_style",
    "SecurityTokenExpired": "credentials",
    "SecurityTokenNotSupported": "credentials",
    "SignatureDoesNotMatch": "signature",
    "UnexpectedAnswer": "not_oss",
    "UserDisable": "disabled",
}
# Keys that concern all files: a notice above the list shows them once.
NOTICES = (
    "clock",
    "cors",
    "cors_domain",
    "disabled",
    "domain",
    "encryption",
    "endpoint",
    "grant_revoked",
    "grant_setup",
    "hidden",
    "no_bucket",
    "path_style",
    "public_endpoint",
)
SIZES = {FileTooLarge: "too_large", FileTooSmall: "too_small", TooManyBytes: "too_much"}
GRANT_CODES = {
    OTHER_PERSON: "grant_person",
    "sts-refused": "grant_setup",
    "quota-exceeded": "grant_quota",
    "revoked": "grant_revoked",
    "key-taken": "undo_taken",
    "oss-domain-refused": "domain",
    "oss-endpoint-refused": "public_endpoint",
    NOT_STORED: "not_stored",
    "held": "held_refused",
    "nothing-to-undo": "undo_late",
    "wrong-password": "guest_wrong",
    "unknown-request": "request_unknown",
    "request-over": "request_over",
    "too-many-files": "request_full",
}
BY_APPLICATION = "application"  # the application that mounts the server refuses the upload
CORS_RULE = """AllowedOrigin: {origin}
AllowedMethod: PUT, POST, GET, HEAD, DELETE
AllowedHeader: *
ExposeHeader: {headers}"""


class Explanation:
    """The explanation of an error, as texts in the person's language.

    Args:
        sentence: what happened.
        next_step: what the person can do; empty if `sentence` says it.
        detail: details for support, such as the request id.
        notice: the key of a notice above the file list, if the error concerns all files; otherwise
            empty.
        to_copy: a text for the administrator of the bucket, such as a CORS rule; may be empty.
        signature: true if OSS refused the signature; a dialog can then explain the reason.
    """

    def __init__(
        self,
        sentence: str,
        next_step: str,
        detail: "list[str] | None" = None,
        *,
        notice: str = "",
        to_copy: str = "",
        signature: bool = False,
    ) -> None:
        self.sentence = sentence
        self.next_step = next_step
        self.detail = detail or []
        self.notice = notice
        self.to_copy = to_copy
        self.signature = signature


def explain(error: Exception, *, origin: str) -> Explanation:
    """Return the explanation of an error, in the person's language.

    Args:
        origin: scheme, host and port of this page, for the CORS rule in the explanation.
    """
    if isinstance(error, Refused):
        return _refused(error, origin)
    if isinstance(error, Corrupt):
        return _corrupt(error, origin)
    if isinstance(error, Lost):
        return _lost(error, origin)
    if isinstance(error, ServerRefused):
        return _server(error)
    if isinstance(error, FileRejected):
        if error.is_built_in:
            return Explanation(at_line(error.reason, error.line), "")
        return Explanation(at_line(ended(error.reason), error.line), say("check_rejected_next"))
    if isinstance(error, CheckFailed):
        detail = f"{error.check}: {error.reason}" if error.check else error.reason
        return _explanation("check_failed", detail=[detail])
    return _before(error)


def at_line(sentence: str, line: "int | None") -> str:
    """Add the number of a line in a file to a sentence about the file, and return both as one text.

    Args:
        line: the number of the line; if `None`, the sentence stays the same.
    """
    return say("at_line", line=number(line), sentence=sentence) if line else sentence


def _before(error: Exception) -> Explanation:
    """Explain an error that no request caused, such as a file that is too large."""
    if isinstance(error, WrongSize):
        return _explanation(
            SIZES[type(error)], size=size_text(error.size), limit=size_text(error.limit)
        )
    if isinstance(error, WrongType):
        return _explanation("wrong_type", types=types_text(error.types))
    if isinstance(error, TooManyFiles):
        key = "too_many_total" if error.is_total else "too_many"
        return Explanation(say_count(key, error.limit), say(f"{key}_next"))
    if isinstance(error, FileUnreadable):
        detail = [error.reason] if error.reason else []
        return _explanation("changed" if error.changed else "unreadable", detail=detail)
    if isinstance(error, NameTooLong):
        return _explanation("name_long")
    for kind, key in DETAILED:
        if isinstance(error, kind):
            return _explanation(key, detail=[str(error)])
    if isinstance(error, PartsLeft):
        return _explanation("parts_left")
    if isinstance(error, QuotaExceeded):
        return _explanation("no_room")
    return _explanation("bug", detail=[repr(error)])


def _refused(error: Refused, origin: str) -> Explanation:
    parts = [error.code]
    if error.ec:
        parts.append(f"EC {error.ec}")
    detail = parts + [_request(error.request_id)]
    key = CODES.get(error.code) or ("busy" if is_transient(error) else "refused")
    if error.is_wrong_endpoint:
        key = "endpoint"
    host = _custom_domain(error)
    if host and key in ("domain", "no_bucket"):
        key = "domain"  # OSS takes an unknown domain for the name of a bucket
        detail = [host] + detail
    return _explanation(key, detail=detail, origin=origin)


def _lost(error: Lost, origin: str) -> Explanation:
    """Explain why a request got no reply.

    If the request was sent to a custom domain, a CORS error can mean that the domain is not bound
    to a bucket.
    """
    host = _custom_domain(error)
    if host and error.reason == Lost.CORS:
        return _explanation("cors_domain", detail=[host], origin=origin)
    return _explanation(error.reason, origin=origin)


def _custom_domain(error: "Lost | Refused") -> str:
    """Return the custom domain of the failed request, or an empty text for any other host."""
    if not (error.request and error.request.bucket.is_custom_domain):
        return ""
    return str(error.request.bucket.origin).partition("://")[2]


def _corrupt(error: Corrupt, origin: str) -> Explanation:
    detail = [str(error), _request(error.request_id)]
    if error.actual == NO_HEADER:
        return _explanation("hidden", detail=detail, header=error.what, origin=origin)
    return _explanation("corrupt", detail=detail)


def _request(request_id: str) -> str:
    return say("detail_request", request_id=request_id or "–")


def _server(error: ServerRefused) -> Explanation:
    key = {0: "grant_silent", 401: "grant_login", 403: "grant_denied"}.get(error.status)
    if error.status == 200:
        key = "grant_strange"
    key = GRANT_CODES.get(error.code) or key
    if not key:
        key = "grant_busy" if error.status in SERVER_UNAVAILABLE + (502,) else "grant_other"
    evidence = say("detail_server", id=error.id) if error.id else error.detail
    detail = [evidence] if evidence else []
    if error.quota and key == "grant_quota":
        return _quota(error.quota, detail)
    if error.reason == BY_APPLICATION and error.detail:
        next_step = "grant_login_next" if error.status == 401 else "grant_denied_next"
        return Explanation(ended(error.detail), say(next_step), detail)
    return _explanation(key, detail=detail)


def _quota(quota: "dict[str, Any]", detail: "list[str]") -> Explanation:
    """Explain a used-up quota: how much is used, and when space becomes free.

    Args:
        quota: the description of the quota in the server's error.
        detail: details for support.
    """
    used, allowed = int(quota["used"]), int(quota["allowed"])
    is_size = str(quota["limit"]).startswith("bytes")
    shown = size_text(used) if is_size else number(used)
    most = size_text(allowed) if is_size else count_files(allowed)
    frees = quota.get("frees_at")
    if frees:
        at = moment(from_iso(str(frees)))
        return _explanation("grant_quota_day", detail=detail, used=shown, allowed=most, at=at)
    return _explanation("grant_quota_total", detail=detail, used=shown, allowed=most)


def _explanation(
    key: str, *, detail: "list[str] | None" = None, origin: str = "", **values: object
) -> Explanation:
    headers = ", ".join(HEADERS_READ)
    rule = CORS_RULE.replace("{origin}", origin).replace("{headers}", headers)
    return Explanation(
        say(key, **values),
        say(f"{key}_next", origin=origin, headers=headers, **values),
        detail,
        notice=key if key in NOTICES else "",
        to_copy=rule if key in ("cors", "cors_domain", "hidden") else "",
        signature=key == "signature",
    )
