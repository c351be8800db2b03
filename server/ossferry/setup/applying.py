"""Applies steps: sends the calls that are missing, one after the other, and reports each.

A step reads the account again just before its calls. Therefore a run that was interrupted can be
repeated: the next run makes only the calls that are still missing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ossferry.errors import CloudError, SettingsError
from ossferry.setup.account import Account
from ossferry.setup.calls import Call, Needs, Step

NOT_VERIFIED = "NeedVerifyDomainOwnership"
NOT_EMPTY = "BucketNotEmpty"


class Report(Protocol):
    """Receives the progress of `apply`."""

    def unchanged(self, step: str, *, noted: bool) -> None:
        """Report a step without calls; `noted` says whether it had notes."""

    def done(self, step: str, call: Call) -> None:
        """Report a call that was made."""

    def note(self, text: str) -> None:
        """Report a sentence for the person."""

    def access_key(self, user: str, key_id: str, secret: str) -> None:
        """Take a new access key; its secret cannot be read again."""

    def record(self, text: str) -> None:
        """Report a record that the person has to add to the DNS zone of the domain."""

    def wait_for_record(self) -> bool:
        """Wait until the person has added the record; return False to give up."""


def needs_of(steps: Sequence[Step]) -> Needs:
    """Read the account, and return the calls and notes of all steps."""
    found = Needs()
    for step in steps:
        needs = step.needs()
        found.calls += needs.calls
        found.notes += needs.notes
    return found


def txt_record(domain: str, token: str) -> str:
    """Return the record that proves the ownership of a domain. Source: OSS page PutCname."""
    return f'_dnsauth.{domain}. TXT "{token}"'


def apply(
    steps: Sequence[Step],
    account: Account,
    report: Report,
    *,
    planned: Sequence[Call] | None = None,
) -> None:
    """Send the calls that the steps need.

    Args:
        planned: the calls of a plan; `apply` makes no other call. None: all calls are allowed.

    Raises:
        CloudError: RAM or OSS refuses a call or does not answer; a later run continues here.
        SettingsError: a needed call is not in the plan.
    """
    for step in steps:
        needs = step.needs()
        for call in needs.calls:
            if planned is not None and call not in planned:
                raise SettingsError(
                    f"the plan has no {call.action} for {step.title}: the account has changed"
                    " since the plan was written, or the plan was edited; write a new plan with"
                    " --plan."
                )
        for call in needs.calls:
            answer = _send(account, call, report)
            if call.action == "CreateAccessKey":
                key = answer["AccessKey"]
                report.access_key(
                    call.params["UserName"], key["AccessKeyId"], key["AccessKeySecret"]
                )
            elif call.action == "CreateCnameToken":
                report.record(txt_record(call.params["Domain"], answer["Token"]))
            report.done(step.title, call)
        for note in needs.notes:
            report.note(note)
        if not needs.calls:
            report.unchanged(step.title, noted=bool(needs.notes))


def _send(account: Account, call: Call, report: Report) -> Mapping[str, Any]:
    handlers: dict[str, Callable[[Account, Call, Report], Mapping[str, Any]]] = {
        "PutCname": _bind,
        "DeleteBucket": _delete_bucket,
    }
    if call.action in handlers:
        return handlers[call.action](account, call, report)
    return account.run(call)


def _bind(account: Account, call: Call, report: Report) -> Mapping[str, Any]:
    """Bind a domain as soon as OSS finds the TXT record."""
    while True:
        try:
            return account.run(call)
        except CloudError as error:
            if error.error_code != NOT_VERIFIED:
                raise
            if not report.wait_for_record():
                raise CloudError(
                    f"OSS does not find the TXT record of {call.params['Domain']} yet: add it to"
                    " the DNS zone, wait some minutes, and run the same command again; everything"
                    " else is done.",
                    error.error_code,
                ) from error


def _delete_bucket(account: Account, call: Call, report: Report) -> Mapping[str, Any]:
    """Delete the bucket, and say how to go on if it is not empty after all."""
    try:
        return account.run(call)
    except CloudError as error:
        if error.error_code != NOT_EMPTY:
            raise
        raise CloudError(
            f"the bucket {call.params['Bucket']} is not empty, so it stays: run the command with"
            " --delete-objects, which also deletes old versions of objects.",
            error.error_code,
        ) from error
