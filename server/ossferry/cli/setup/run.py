"""One run of `ossferry setup` or `teardown`: reads the account, asks the user, makes calls.

Before its calls, a step reads the account again. Therefore a run that was interrupted can be
repeated: the next run makes only the calls that are still missing.
"""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from dotenv import set_key

from ossferry.cli.complaints import complaint
from ossferry.cli.output import counted
from ossferry.cli.setup.cloud import Cloud
from ossferry.cli.setup.terminal import KeyFile, Terminal
from ossferry.errors import OssferryError, SettingsError
from ossferry.setup.account import Account
from ossferry.setup.calls import Call, Plan, Step, needs_of
from ossferry.setup.making import making_steps
from ossferry.setup.removing import removing_steps
from ossferry.setup.result import settings_of, todo
from ossferry.setup.wanted import Wanted

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in a shell, and after SIGTERM."""

INTERRUPTION = "interrupted; run the same command again: it continues."


@contextmanager
def ending(*, json_output: bool) -> Iterator[Terminal]:
    """Context manager for one run of `setup` or `teardown`; its value is the `Terminal` of the run.

    On exit, the result that the terminal has collected is printed to stdout if `json_output` is
    set. After an `OssferryError` or `OSError` in the `with` block, the result contains the error
    message as `error`, and the exception is raised again. Ctrl-C and SIGTERM end the command with a
    message on stderr and the exit code `INTERRUPTED`.
    """
    terminal = Terminal(json_output=json_output)
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield terminal
    except (OssferryError, OSError) as error:
        terminal.result["error"] = complaint(error) or str(error)
        raise
    except KeyboardInterrupt as error:
        terminal.result["error"] = INTERRUPTION
        typer.echo(f"ossferry: {INTERRUPTION}", err=True)
        raise typer.Exit(INTERRUPTED) from error
    finally:
        signal.signal(signal.SIGTERM, previous)
        if json_output:
            typer.echo(json.dumps(terminal.result, indent=2))


def refuse_existing(plan: Path | None) -> None:
    """Raise an error if the file to which a new plan would be written exists already.

    Args:
        plan: the path for the new plan file; None if no file will be written.

    Raises:
        SettingsError: the file exists.
    """
    if plan is not None and plan.exists():
        raise SettingsError(f"--plan: {plan} exists already: choose another name, or delete it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of `ossferry setup` or `teardown`.

    Attributes:
        cloud: the cloud services, or a mock of them.
        wanted: the names of the resources to create or to remove.
        terminal: shows the progress, and collects the result.
    """

    cloud: Cloud
    wanted: Wanted
    terminal: Terminal

    def __post_init__(self) -> None:
        self.terminal.result.update({"calls": [], "notes": []})

    def plan(self, path: Path | None, *, new_key: bool) -> None:
        """Write the API calls that a set-up still needs into a plan file, or print them.

        None of the calls is made.

        Args:
            path: path of the new plan file; None to print the calls to stdout.
            new_key: whether to plan another access key for the server's user.

        Raises:
            SettingsError: the plan file cannot be written.
        """
        with self.cloud.account(self.wanted) as account, self.terminal.reading():
            calls, notes = needs_of(*making_steps(self.wanted, account, new_key=new_key))
        if path is None:
            self._show_plan(calls, notes)
            return
        data = self._plan_data(calls)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(data, indent=2))
        except OSError as error:
            raise SettingsError(
                f"--plan: {path} cannot be written ({error.strerror}): choose another file."
            ) from error
        self.terminal.result.update({**data, "notes": notes, "plan_file": str(path)})
        typer.echo(f"The plan with {counted(len(calls), 'call')} is in {path}.", err=True)

    def make(
        self,
        key_path: Path | None,
        env_path: Path | None,
        *,
        planned: Sequence[Call] | None,
        new_key: bool,
        yes: bool,
    ) -> None:
        """Make the API calls that a set-up still needs, and output the settings for the server.

        Args:
            key_path: new file for the access key; with None, the key is printed.
            env_path: file in which to update the settings; with None, they are printed.
            planned: the calls of a plan file; None allows all calls.
            new_key: whether to create another access key for the server's user.
            yes: whether to make the calls without asking.

        Raises:
            typer.Exit: the person answers no to the question whether to make the calls.
            SettingsError: a call is needed that is not in `planned`.
        """
        if env_path is not None:
            _touch(env_path)  # before the first call
        with self.cloud.account(self.wanted) as account:
            self.terminal.result["account"] = self.wanted.account
            steps = making_steps(self.wanted, account, new_key=new_key)
            with self.terminal.reading():
                calls, _ = needs_of(*steps)
            self._agree(calls, yes=yes)
            with _key_file(key_path, calls) as key_file:
                self.terminal.key_file = key_file
                apply(steps, account, self.terminal, planned=planned)
            for sentence in todo(self.wanted):
                self.terminal.note(sentence)
        settings = settings_of(self.wanted, self.cloud.mock)
        self.terminal.result["settings"] = settings
        if env_path is not None:
            for name, value in settings.items():
                set_key(env_path, name, value, quote_mode="never")
            typer.echo(f"The settings are in {env_path}.", err=True)
        elif not self.terminal.json_output:
            for name, value in settings.items():
                typer.echo(f"{name}={value}")

    def remove(self, *, delete_objects: bool, dry_run: bool, yes: bool) -> None:
        """Remove the cloud resources of a set-up.

        Args:
            delete_objects: whether to delete all objects of the bucket, too.
            dry_run: whether to only print the API calls.
            yes: whether to make the calls without asking.

        Raises:
            typer.Exit: the person says no.
        """
        self.terminal.removing = True
        with self.cloud.account(self.wanted) as account:
            account.bucket.on_deleted = self.terminal.deleted
            steps = removing_steps(self.wanted, account, delete_objects=delete_objects)
            with self.terminal.reading():
                calls, notes = needs_of(*steps)
            if dry_run:
                self._show_plan(calls, notes)
                return
            self.terminal.result["account"] = self.wanted.account
            self._agree(calls, yes=yes)
            apply(steps, account, self.terminal)

    def _plan_data(self, calls: Sequence[Call]) -> dict[str, Any]:
        return Plan(wanted=self.wanted, calls=tuple(calls)).as_data()

    def _show_plan(self, calls: Sequence[Call], notes: Sequence[str]) -> None:
        if self.terminal.json_output:
            self.terminal.result.update({**self._plan_data(calls), "notes": notes})
            return
        self.terminal.show(calls, on_stdout=True)
        for note in notes:
            self.terminal.note(note)
        if not calls:
            typer.echo("no call is missing", err=True)

    def _agree(self, calls: Sequence[Call], *, yes: bool) -> None:
        """Show the calls and ask before the first one; end the command if the person says no."""
        if not yes:
            self.terminal.show(calls, on_stdout=False)
        these = "this call" if len(calls) == 1 else f"these {len(calls)} calls"
        if calls and not self.terminal.confirm(f"Make {these}?", yes=yes):
            self.terminal.result["error"] = "nothing was changed"
            typer.echo("nothing was changed", err=True)
            raise typer.Exit(1)


def _touch(path: Path) -> None:
    """Create a file that only its owner can read, unless it exists.

    Raises:
        SettingsError: the file cannot be created.
    """
    try:
        path.touch(0o600)
    except OSError as error:
        raise SettingsError(
            f"--env-file: {path} cannot be written ({error.strerror}): choose another file."
        ) from error


@contextmanager
def _key_file(path: Path | None, calls: Sequence[Call]) -> Iterator[KeyFile | None]:
    """Return a context with the open file for a new access key, if there will be one."""
    if path is None or all(call.action != "CreateAccessKey" for call in calls):
        yield None
        return
    with closing(KeyFile(path)) as found:
        yield found


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
            answer = account.run(call)
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
