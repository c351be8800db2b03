"""What a person is told when an upload fails: what happened, what to do, and the evidence."""

from uploader.oss.errors import Corrupt, Lost, Refused
from uploader.oss.replies import NO_HEADER
from uploader.transfer.errors import FileTooLarge, FileUnreadable, GrantRefused, TooManyFiles
from uploader.view.text import say, size_text

__all__ = ["Explanation", "explain"]

# code of OSS: key of the sentence
CODES = {
    "AccessDenied": "denied",
    "AccessForbidden": "cors",
    "BucketNotBelongTo": "denied",
    "InvalidAccessKeyId": "credentials",
    "InvalidSecurityToken": "credentials",
    "SecurityTokenExpired": "credentials",
    "AccessKeyIdAndSecurityTokenNotMatch": "credentials",
    "RequestTimeTooSkewed": "clock",
    "SignatureDoesNotMatch": "signature",
    "NoSuchBucket": "no_bucket",
    "UserDisable": "disabled",
    "BucketDisable": "disabled",
    "UnexpectedAnswer": "not_oss",
}


class Explanation:
    """Sentences for a person, and one line of evidence for support."""

    def __init__(self, sentence: str, next_step: str, detail: str = "") -> None:
        self.sentence = sentence
        self.next_step = next_step
        self.detail = detail


def explain(error: Exception, *, origin: str) -> Explanation:
    """Explain any error of an upload; `origin` is this page's, for the CORS rule."""
    if isinstance(error, Refused):
        return _refused(error, origin)
    if isinstance(error, Corrupt):
        return _corrupt(error)
    if isinstance(error, Lost):
        return _explanation(error.reason, origin=origin)
    if isinstance(error, GrantRefused):
        return _grant(error)
    if isinstance(error, FileTooLarge):
        return _explanation("too_large", size=size_text(error.size), limit=size_text(error.limit))
    if isinstance(error, TooManyFiles):
        return _explanation("too_many", limit=error.limit)
    if isinstance(error, FileUnreadable):
        return _explanation("unreadable", detail=error.reason)
    return _explanation("bug", detail=repr(error))


def _refused(error: Refused, origin: str) -> Explanation:
    detail = say("detail_request", code=error.code, request_id=error.request_id or "–")
    key = CODES.get(error.code) or ("busy" if error.retryable else "refused")
    return _explanation(key, detail=detail, origin=origin)


def _corrupt(error: Corrupt) -> Explanation:
    detail = say("detail_request", code=str(error), request_id=error.request_id or "–")
    if error.actual == NO_HEADER:
        return _explanation("hidden", detail=detail, header=error.what)
    return _explanation("corrupt", detail=detail)


def _grant(error: GrantRefused) -> Explanation:
    key = {0: "grant_silent", 401: "grant_login", 403: "grant_denied"}.get(error.status)
    if error.code == "sts-refused":
        key = "grant_setup"
    if error.status == 200:
        key = "grant_strange"
    if not key:
        key = "grant_busy" if error.status in (429, 502, 503, 504) else "grant_other"
    detail = say("detail_server", id=error.id) if error.id else error.detail
    return _explanation(key, detail=detail)


def _explanation(key: str, *, detail: str = "", **values: object) -> Explanation:
    return Explanation(say(key, **values), say(f"{key}_next", **values), detail)
