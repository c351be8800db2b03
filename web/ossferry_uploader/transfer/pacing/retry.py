"""The rules for retries: which errors are retried, after how long, and how often.

There are three classes of errors:

- Outages: the network or the server is not available, the person has to log in, or the quota is
  used up. The upload waits until the outage is over; the try is not counted.
- Temporary errors: another try may succeed, so the request is repeated after a random wait. The
  upper limit of the wait doubles with each try (full jitter). If the error response has a
  `Retry-After` time, this time is added to the wait.
- Final errors: all other errors. The request is not repeated.

Source of the waits: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

from ossferry_uploader.oss.errors import UNEXPECTED, Corrupt, Lost, Refused
from ossferry_uploader.transfer.errors import FileUnreadable, QuotaExceeded, ServerRefused
from ossferry_uploader.transfer.states import FOR_LOGIN, FOR_NETWORK, FOR_QUOTA, FOR_SERVER

OSS_STATUSES = (408, 429, 500, 502, 503, 504)  # of OSS's answers that are retried
OSS_CODES = (  # with any status: CompleteMultipartUpload may fail with status 200
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "IncompleteBody",
    "InvalidDigest",
    "InvalidCRC64",
)
CONGESTION_STATUSES = (429, 503)  # of OSS: fewer connections would help
SERVER_UNAVAILABLE = (0, 429, 503, 504)  # statuses of the token server; 0 means no answer
SERVER_ERROR = 500

BASE_S = 0.5
LONGEST_PAUSE_S = 30.0
MAX_RETRY_AFTER_S = 300.0
OUTAGE_STEP_S = 3.0  # the longest wait of an upload after the network is back
MAX_TRIES = 8
QUOTA = "quota-exceeded"  # an error code of the server
MAX_CORRUPT_TRIES = 3
MAX_READ_TRIES = 3  # after the browser stopped reading the file
MAX_CORS_TRIES = 4  # some seconds: an answer of a gateway also looks like a CORS error
ALLOWANCE_S = 900.0  # of failures only, while the network works, until an upload fails


def backoff_s(failures: int, unit: float, retry_after_s: "float | None" = None) -> float:
    """Return the wait before the next try after a temporary error, in seconds.

    Args:
        failures: the number of failed tries in a row.
        unit: a random number of at least 0 and less than 1, by which the longest wait after this
            number of failures is multiplied.
        retry_after_s: the `Retry-After` time in the error response, in seconds; it is added to the
            wait. `None` if there is none.
    """
    wait_s: float = unit * min(LONGEST_PAUSE_S, BASE_S * 2 ** min(failures, 10))
    if retry_after_s is not None:
        return min(MAX_RETRY_AFTER_S, retry_after_s) + wait_s
    return wait_s


def outage_s(outages: int, retry_after_s: "float | None" = None) -> float:
    """Return the wait before the next try during an outage, in seconds.

    Args:
        outages: the number of tries in a row that failed because of the outage.
        retry_after_s: the `Retry-After` time in the error response, in seconds. The wait is at
            least this long, but at most `MAX_RETRY_AFTER_S`. `None` if there is none.
    """
    if retry_after_s is not None:
        return min(MAX_RETRY_AFTER_S, max(OUTAGE_STEP_S, retry_after_s))
    return min(OUTAGE_STEP_S, 0.5 * outages)


def retry_after(error: Exception) -> "float | None":
    """Return the `Retry-After` time of an error response in seconds; `None` if there is none."""
    if isinstance(error, (Refused, ServerRefused)):
        return error.retry_after_s
    return None


def waits_for(error: Exception) -> str:
    """Return what an upload has to wait for after an error, one of the constants `states.FOR_*`.

    An example is `FOR_NETWORK` if the network is down. The result is empty if the error does not
    pause the upload, because it is not an outage.
    """
    if isinstance(error, Lost) and error.reason == Lost.UNREACHABLE:
        return FOR_NETWORK
    if isinstance(error, QuotaExceeded):
        return FOR_QUOTA
    if isinstance(error, ServerRefused):
        if error.status == 401:
            return FOR_LOGIN
        if error.code == QUOTA:
            return FOR_QUOTA
        is_malformed = error.status == 200 and not error.code  # not from the server
        away = is_malformed or error.status in SERVER_UNAVAILABLE or error.status == SERVER_ERROR
        return FOR_SERVER if away or (error.status == 502 and not error.code) else ""
    return ""


def tries_for(error: Exception) -> int:
    """Return how often a request is tried at most if it fails with `error`; 1 means no retry."""
    if isinstance(error, Corrupt):
        return MAX_CORRUPT_TRIES if error.is_mismatch else 1
    if isinstance(error, FileUnreadable):
        return MAX_READ_TRIES if error.broken_off else 1
    if is_shut_out(error):
        return MAX_CORS_TRIES
    return MAX_TRIES if is_transient(error) else 1


def is_transient(error: Exception) -> bool:
    """Return whether `error` is temporary, so that the same request to OSS may succeed later."""
    if isinstance(error, Refused):
        is_strange = error.code == UNEXPECTED and 200 <= error.status < 300
        return error.status in OSS_STATUSES or error.code in OSS_CODES or is_strange
    return isinstance(error, Lost)


def is_shut_out(error: Exception) -> bool:
    """Return whether `error` means that the bucket's CORS rule hides OSS's reply."""
    return isinstance(error, Lost) and error.reason == Lost.CORS


def is_service_error(error: Exception) -> bool:
    """Return whether `error` is a server error of OSS (status 5xx)."""
    return isinstance(error, Refused) and error.status >= 500


def is_congestion(error: Exception) -> bool:
    """Return whether `error` is a sign that too many requests were sent at the same time."""
    if isinstance(error, Refused):
        return error.status in CONGESTION_STATUSES
    return isinstance(error, Lost) and error.reason in (Lost.STALLED, Lost.INTERRUPTED)
