"""Which errors pass, how long to wait, and when to give up.

Three classes: what is not about this request (no network, a server of ours that is away) is waited
for and costs nothing; what may succeed when it is repeated is repeated, each time after a random
wait that doubles (full jitter) or after what `Retry-After` says; all else is final.

Source of the waits: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

from uploader.oss.errors import Corrupt, Lost, OSSError, Refused
from uploader.transfer.errors import FileUnreadable, QuotaExceeded, ServerRefused
from uploader.transfer.states import FOR_LOGIN, FOR_NETWORK, FOR_QUOTA, FOR_SERVER

__all__ = [
    "ALLOWANCE_S",
    "backoff_s",
    "is_congestion",
    "is_service_error",
    "is_shut_out",
    "outage_s",
    "retry_after",
    "tries_for",
    "waits_for",
]

BASE_S = 0.5
CAP_S = 30.0
MAX_RETRY_AFTER_S = 300.0
OUTAGE_STEP_S = 3.0  # what an upload waits at most once the network is back
MAX_TRIES = 8
QUOTA = "quota-exceeded"  # a code of our server
MAX_CORRUPT_TRIES = 3
MAX_READ_TRIES = 3  # of a file whose reading the browser ended
MAX_CORS_TRIES = 4  # some seconds: a gateway that answers in place of the bucket looks the same
ALLOWANCE_S = 900.0  # of a file in which nothing goes well, while there is a network


def backoff_s(failures: int, unit: float, retry_after_s: "float | None" = None) -> float:
    """Return how long to wait after this many failures in a row; `unit` is a random 0..1."""
    wait_s: float = unit * min(CAP_S, BASE_S * 2 ** min(failures, 10))
    if retry_after_s is not None:
        return min(MAX_RETRY_AFTER_S, retry_after_s) + wait_s
    return wait_s


def outage_s(outages: int, retry_after_s: "float | None" = None) -> float:
    """Return how long to wait before looking again whether network or server are back."""
    if retry_after_s is not None:
        return min(MAX_RETRY_AFTER_S, max(OUTAGE_STEP_S, retry_after_s))
    return min(OUTAGE_STEP_S, 0.5 * outages)


def retry_after(error: Exception) -> "float | None":
    """Return the seconds that the other side asked us to wait, if it did."""
    if isinstance(error, (Refused, ServerRefused)):
        return error.retry_after_s
    return None


def waits_for(error: Exception) -> str:
    """Return what an upload has to wait for because of `error`; empty if that is not the case."""
    if isinstance(error, Lost) and error.reason == Lost.UNREACHABLE:
        return FOR_NETWORK
    if isinstance(error, QuotaExceeded):
        return FOR_QUOTA
    if isinstance(error, ServerRefused):
        if error.status == 401:
            return FOR_LOGIN
        if error.code == QUOTA:
            return FOR_QUOTA
        is_malformed = error.status == 200 and not error.code  # somebody else has answered
        away = is_malformed or error.status in (0, 429, 500, 503, 504)
        return FOR_SERVER if away or (error.status == 502 and not error.code) else ""
    return ""


def tries_for(error: Exception) -> int:
    """Return how often a request may be tried that ends in `error`; 1 is once and never again."""
    if isinstance(error, Corrupt):
        return MAX_CORRUPT_TRIES if error.is_mismatch else 1
    if isinstance(error, FileUnreadable):
        return MAX_READ_TRIES if error.broken_off else 1
    if is_shut_out(error):
        return MAX_CORS_TRIES
    return MAX_TRIES if isinstance(error, OSSError) and error.retryable else 1


def is_shut_out(error: Exception) -> bool:
    """Tell whether somebody answered, and this page may not read what."""
    return isinstance(error, Lost) and error.reason == Lost.CORS


def is_service_error(error: Exception) -> bool:
    """Tell whether OSS has answered that it cannot, as when its disks are full."""
    return isinstance(error, Refused) and error.status >= 500


def is_congestion(error: Exception) -> bool:
    """Tell whether fewer connections would help."""
    if isinstance(error, Refused):
        return error.status in (429, 503)
    return isinstance(error, Lost) and error.reason in (Lost.STALLED, Lost.INTERRUPTED)
