"""Error messages of commands.

The messages of exceptions are written for clients of the server, and do not name the cause. The
operator, who runs a command, also needs the error code of the failed service and the name of the
option to check.
"""

import re

from ossferry import errors

UNREADABLE = re.compile(r"OSSFERRY_[A-Z_]+ cannot be (read|opened)\.")
"""Messages about a file without the reason."""


def complaint(error: errors.OssferryError | OSError) -> str:
    """Return the message that a command prints for an exception: what failed, and what to do.

    The result is empty for an `OSError` without a file name.
    """
    if isinstance(error, errors.OssferryError):
        return _of_service(error)
    if error.filename is None:
        return ""
    return (
        f"{error.filename} cannot be read or written ({error.strerror}); correct the path, or the"
        " rights of this file and its folder."
    )


def _of_service(error: errors.OssferryError) -> str:
    match error:
        case errors.OssEndpointError():
            return str(error)
        case errors.OssRefusedError():
            return (
                f"OSS refuses the request ({error.oss_code}, request id {error.oss_request_id});"
                " check OSSFERRY_BUCKET, OSSFERRY_REGION, and the policy of"
                " OSSFERRY_OBJECTS_ROLE_ARN."
            )
        case errors.OssLostError():
            return (
                f"OSS gives no usable answer ({error.reason}); check the network and"
                " OSSFERRY_ENDPOINT or OSSFERRY_OBJECTS_ENDPOINT, and try again."
            )
        case errors.StsRefusedError():
            from ossferry.oss.ram import fault_of_caller  # loads the SDK

            return fault_of_caller(error.sts_code) or (
                f"STS issues no credentials ({error.sts_code}, request id"
                f" {error.sts_request_id}); check the access key of this command and the trust"
                " policy of OSSFERRY_OBJECTS_ROLE_ARN."
            )
        case errors.StsLostError(reason="no-server-credentials"):
            from ossferry.oss.ram import NO_CREDENTIALS  # loads the SDK

            return NO_CREDENTIALS
        case errors.StsLostError():
            return (
                f"STS gives no usable answer ({error.reason}); check the network and"
                " OSSFERRY_STS_ENDPOINT, and try again."
            )
        case errors.LedgerLostError():
            from ossferry.diagnosis.probes import lost_ledger  # slow to import

            found = lost_ledger(error)
            return f"{_small(found.reason).removesuffix('.')}; {_small(found.fix)}"
        case errors.SettingsError(__cause__=OSError(strerror=str() as why)) if UNREADABLE.fullmatch(
            str(error)
        ):
            return (
                f"{str(error).removesuffix('.')} ({why}); correct the path, or the rights of the"
                " file and its folder."
            )
        case errors.AuditLostError():
            return "the audit trail cannot be written; check OSSFERRY_AUDIT_FILE and the disk."
    return str(error)


def _small(sentence: str) -> str:
    """Return a sentence as a part of another one: it begins with a small letter."""
    return sentence[0].lower() + sentence[1:]
