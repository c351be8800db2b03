"""Applies the steps of a set-up: sends the missing API calls one by one, and reports each.

Before its calls, a step reads the account again. Therefore a run that was interrupted can be
repeated: the next run makes only the calls that are still missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ossferry.cli.setup.terminal import Terminal
from ossferry.errors import CloudError, SettingsError
from ossferry.setup.account import Account
from ossferry.setup.bucket import NOT_VERIFIED
from ossferry.setup.calls import Call, Step, needs_of


def apply(
    steps: Sequence[Step],
    account: Account,
    terminal: Terminal,
    *,
    planned: Sequence[Call] | None = None,
) -> None:
    """Send the API calls that the steps need, and report each call to the terminal.

    Args:
        planned: the calls of a plan file; no other call may be sent. None allows all calls.

    Raises:
        CloudError: RAM or OSS refuses a call or does not answer; a later run sends the other calls.
        SettingsError: a needed call is not in the plan.
    """
    for step in steps:
        calls, notes = needs_of(step)
        for call in calls:
            if planned is not None and call not in planned:
                raise SettingsError(
                    f"the plan has no {call.action} for {step.title}: the account has changed"
                    " since the plan was written, or the plan was edited; write a new plan with"
                    " --plan."
                )
        for call in calls:
            answer = _send(account, call, terminal)
            if call.action == "CreateAccessKey":
                key = answer["AccessKey"]
                terminal.access_key(
                    call.params["UserName"], key["AccessKeyId"], key["AccessKeySecret"]
                )
            elif call.action == "CreateCnameToken":
                terminal.record(call.params["Domain"], answer["Token"])
            terminal.done(step.title, call)
        for note in notes:
            terminal.note(note)
        if not calls:
            terminal.unchanged(step.title, noted=bool(notes))


def _send(account: Account, call: Call, terminal: Terminal) -> Mapping[str, Any]:
    """Send a call; one that binds a domain succeeds as soon as OSS finds the TXT record."""
    while True:
        try:
            return account.run(call)
        except CloudError as error:
            if error.error_code != NOT_VERIFIED or not terminal.wait_for_record():
                raise
