"""Output of `setup` and `teardown`: progress on stderr, the result on stdout, and questions.

A new access key is written to stdout, or to a file that only its owner can read, as soon as it
exists: RAM shows the secret only once.
"""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.prompt import Confirm, Prompt

from ossferry.cli.output import counted
from ossferry.errors import SettingsError, UsageError
from ossferry.setup.calls import Call

OWNER_ONLY = 0o600


class KeyFile:
    """A new file for an access key; only the user who runs the command can read the file.

    If a command is killed, it leaves an empty file, which the next command uses. The file is
    locked, so that no other command uses it at the same time.

    Raises:
        SettingsError: the file exists already and is not empty, another command uses it, or the
            folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(
                path, os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_WRONLY, OWNER_ONLY
            )
        except OSError as error:
            if os.path.lexists(path):
                raise self._exists() from error
            raise SettingsError(
                f"--key-file: {path} cannot be written ({error.strerror}): choose a folder that you"
                " may write to."
            ) from error
        if not self._is_free():
            os.close(self._descriptor)
            raise self._exists()
        os.fchmod(self._descriptor, OWNER_ONLY)
        self._is_empty = True

    def _is_free(self) -> bool:
        """Lock the file; return whether it is empty, ours, and still in its folder."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        found = os.fstat(self._descriptor)
        return (
            stat.S_ISREG(found.st_mode)
            and found.st_size == 0
            and found.st_nlink == 1
            and found.st_uid == os.geteuid()
        )

    def _exists(self) -> SettingsError:
        return SettingsError(
            f"--key-file: {self.path} exists already: choose another name, or delete it."
        )

    def write(self, text: str) -> None:
        """Write the access key to the file, and flush the file to the disk."""
        self._is_empty = False  # first: an interruption must not delete the key
        os.write(self._descriptor, text.encode())
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; delete it if no key was written."""
        if self._is_empty:
            self.path.unlink()
        os.close(self._descriptor)


class Terminal:
    """Reports the progress of a command to a person on stderr, and collects the result for JSON.

    Args:
        json_output: whether the command prints the result as JSON.

    Attributes:
        result: members of the JSON object that the command prints.
        key_file: file for a new access key; None for stdout.
        removing: whether the command removes resources; `unchanged` then reports `kept` or `gone`.
    """

    def __init__(self, *, json_output: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
        self.json_output = json_output
        self.key_file: KeyFile | None = None
        self.removing = False
        self.result: dict[str, Any] = {}

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Context manager that shows on stderr that the account is being read."""
        with self._console.status("Reading the account"):
            yield

    def show(self, calls: Sequence[Call], *, on_stdout: bool) -> None:
        """Print API calls, with the policies and other documents that they send.

        Args:
            on_stdout: True for stdout, False for stderr.
        """
        for call in calls:
            typer.echo(call.as_text(), err=not on_stdout)

    def unchanged(self, step: str, *, noted: bool) -> None:
        """Report that a step needs no calls, with the word `unchanged`.

        A command that removes resources reports `kept` if the step has notes, which say why the
        resource stays, and otherwise `gone`.

        Args:
            step: title of the step.
            noted: whether the step has notes for the person.
        """
        word = "unchanged"
        if self.removing:
            word = "kept" if noted else "gone"
        self._line(word, step, "dim")

    def done(self, step: str, call: Call) -> None:
        """Report that an API call of a step was made.

        Args:
            step: title of the step.
        """
        self._line("done", f"{step}: {call.action}", "green")
        self.result["calls"].append(asdict(call))

    def deleted(self, objects: int) -> None:
        """Report how many objects of the bucket have been deleted so far."""
        self._line("deleted", counted(objects, "object"), "dim")

    def note(self, text: str) -> None:
        """Report a sentence about something that the person has to know or do."""
        self._line("note", text, "yellow")
        self.result["notes"].append(text)

    def access_key(self, user: str, key_id: str, secret: str) -> None:
        """Output a new access key at once, because RAM shows the secret only once.

        If there is a key file, write the access key to it. Otherwise print the access key to stdout
        or, with JSON output, add it to the result.

        Args:
            user: name of the RAM user that owns the key.
        """
        lines = f"ALIBABA_CLOUD_ACCESS_KEY_ID={key_id}\nALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}\n"
        if self.key_file is not None:
            self.key_file.write(lines)
            self.result["access_key_file"] = str(self.key_file.path)
            self._line("note", f"the access key of {user} is in {self.key_file.path}", "yellow")
        elif self.json_output:
            self.result["access_key"] = {"id": key_id, "secret": secret}
        else:
            typer.echo(lines, nl=False)
            sys.stdout.flush()
        if self.key_file is None:
            self.note(
                "stdout has the secret of the access key: keep it, because it is not shown again;"
                " --key-file FILE writes it into a file that only you can read."
            )

    def record(self, domain: str, token: str) -> None:
        """Tell the person the DNS TXT record that proves the ownership of a domain.

        Args:
            token: value of the record, which OSS has chosen.

        Source: OSS page PutCname.
        """
        self.note(f'add this record to the DNS zone: _dnsauth.{domain}. TXT "{token}"')

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Ask a yes-or-no question and return the answer; with `yes`, return True without asking.

        Raises:
            SettingsError: nobody can be asked, and `--yes` is missing.
        """
        if yes:
            return True
        if not sys.stdin.isatty():
            raise SettingsError("nobody can be asked here: give --yes to make these calls.")
        return Confirm.ask(question, console=self._console)

    def asks_for(self, option: str, question: str) -> str:
        """Ask a person on stderr for the value of an option, and return the answer.

        Raises:
            UsageError: nobody can be asked, so the option is missing.
        """
        if not sys.stdin.isatty():
            raise UsageError(f"{option} is missing.")
        return Prompt.ask(question, console=self._console)

    def _line(self, word: str, text: str, style: str) -> None:
        self._console.print(f"{word:<10}", style=style, end="")
        self._console.print(text)
