"""The commands `ossferry setup` and `ossferry teardown`: make or remove the cloud resources.

The options that name something in the cloud are read by `names_of` from the context. Each command
imports its dependencies when it is called, so that the command line starts quickly.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from ossferry.cli.complaints import complaint, file_complaint
from ossferry.cli.output import counted
from ossferry.cli.setup.options import (
    Adopt,
    AdoptRemoving,
    Bucket,
    Doctor,
    Domain,
    DryRun,
    Identity,
    Issuer,
    JsonOutput,
    Mock,
    Origins,
    OssEndpoint,
    Provider,
    Region,
    RoleName,
    ServiceAccount,
    Yes,
    given_names,
    names_of,
    refuse_names,
)
from ossferry.errors import OssferryError, SettingsError

if TYPE_CHECKING:
    from ossferry.cli.setup.cloud import Cloud
    from ossferry.cli.setup.terminal import KeyFile, Terminal
    from ossferry.setup.calls import Call, Needs
    from ossferry.setup.wanted import Wanted

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in a shell, and after SIGTERM."""

INTERRUPTION = "interrupted; run the same command again: it continues."

Result: TypeAlias = dict[str, Any]
"""The members of the JSON object that a command prints."""

PlanOut: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the plan into a file; change nothing.")
]
PlanIn: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Make the calls of a plan; it contains the names, too."),
]
FromPlan: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Remove what this plan of `ossferry setup` has made."),
]
KeyFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the access key into a new file of mode 600."),
]
EnvFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Update the settings in this file; its other lines stay."),
]
WaitDns: TypeAlias = Annotated[
    int, typer.Option(min=0, metavar="SECONDS", help="Wait this long for the TXT record.")
]
Pem: TypeAlias = Annotated[str, typer.Option(metavar="PEM", help="For the custom domain.")]


def setup(
    context: typer.Context,
    bucket: Bucket = "",
    region: Region = "",
    origin: Origins = None,
    identity: Identity = "ecs",
    domain: Domain = "",
    certificate: Pem = "",
    private_key: Pem = "",
    versioning: Annotated[bool, typer.Option(help="Keep old versions of objects.")] = False,
    role: RoleName = "oss-web-upload",
    objects_role: RoleName = "oss-web-objects",
    server_name: RoleName = "ossferry-server",
    provider: Provider = "",
    issuer: Issuer = "",
    service_account: ServiceAccount = "",
    doctor: Doctor = True,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make another access key.")] = False,
    key_file: KeyFileOption = None,
    env_file: EnvFile = None,
    wait_dns: WaitDns = 0,
    dry_run: DryRun = False,
    plan: PlanOut = None,
    apply: PlanIn = None,
    adopt: Adopt = False,
    yes: Yes = False,
    json_output: JsonOutput = False,
    mock: Mock = "",
    oss_endpoint: OssEndpoint = "",
) -> None:
    """Make the bucket, the RAM roles and the server's identity, and print the server's settings.

    The command reads the account, prints the calls that are missing, asks, and makes them; --yes
    prints only what was done. A second run changes nothing; after a failure it continues. It uses
    your own credentials, for example from ALIBABA_CLOUD_ACCESS_KEY_ID and
    ALIBABA_CLOUD_ACCESS_KEY_SECRET.
    """
    from ossferry.cli.setup.cloud import Cloud

    with _ending(json_output=json_output) as result:
        _refuse_existing(plan)
        cloud = Cloud(mock=mock, oss_endpoint=oss_endpoint)
        planned: list[Call] | None = None
        if apply:
            refuse_names(context, plan="--apply")
            wanted, planned = cloud.plan(apply)
        else:
            names, given = names_of(context), given_names(context)
            wanted = cloud.wanted(names, more=names.keys() - given.keys())
        making = _Making(cloud, wanted, planned, result, new_key=new_key)
        if dry_run or plan:
            making.plan(plan, json_output=json_output)
        else:
            making.make(key_file, env_file, wait_s=wait_dns, yes=yes, json_output=json_output)


def teardown(
    context: typer.Context,
    bucket: Bucket = "",
    region: Region = "",
    origin: Origins = None,
    identity: Identity = "ecs",
    domain: Domain = "",
    role: RoleName = "oss-web-upload",
    objects_role: RoleName = "oss-web-objects",
    server_name: RoleName = "ossferry-server",
    from_plan: FromPlan = None,
    delete_objects: Annotated[
        bool, typer.Option("--delete-objects", help="Delete all objects of the bucket, too.")
    ] = False,
    dry_run: DryRun = False,
    adopt: AdoptRemoving = False,
    yes: Yes = False,
    json_output: JsonOutput = False,
    mock: Mock = "",
    oss_endpoint: OssEndpoint = "",
) -> None:
    """Remove what `ossferry setup` has made; a bucket with objects stays, and one it did not make.

    The command prints all calls, asks, and makes them. Give the same names as for `setup`, or the
    plan with --from-plan.
    """
    from ossferry.cli.setup.cloud import Cloud

    with _ending(json_output=json_output) as result:
        cloud = Cloud(mock=mock, oss_endpoint=oss_endpoint)
        if from_plan:
            refuse_names(context, plan="--from-plan", allowed=("adopt",))
            wanted, _ = cloud.plan(from_plan)
        else:
            names = names_of(context)
            if identity == "rrsa":
                names["identity"] = "ecs"  # has a role, too, and needs no other option
            wanted = cloud.wanted(names)
        wanted = replace(wanted, adopt=adopt)
        removing = _Removing(cloud, wanted, result, delete_objects=delete_objects)
        removing.remove(dry_run=dry_run, yes=yes, json_output=json_output)


class _Removing:
    """Removes a set-up."""

    def __init__(
        self, cloud: "Cloud", wanted: "Wanted", result: Result, *, delete_objects: bool
    ) -> None:
        self._cloud = cloud
        self._wanted = wanted
        self._result = result
        self._delete_objects = delete_objects

    def remove(self, *, dry_run: bool, yes: bool, json_output: bool) -> None:
        """Print the calls, and make them unless this is a dry run."""
        from ossferry.setup.applying import apply, needs_of
        from ossferry.setup.removing import removing_steps

        wanted = self._wanted
        terminal = _terminal(self._result, json_output=json_output, removing=True)
        with self._cloud.account(wanted) as account:
            account.bucket.on_deleted = terminal.deleted
            steps = removing_steps(wanted, account, delete_objects=self._delete_objects)
            with terminal.reading():
                needs = needs_of(steps)
            if dry_run:
                _show_plan(terminal, wanted, needs, self._result, json_output=json_output)
                return
            self._result["account"] = wanted.account
            _agree(terminal, needs.calls, self._result, yes=yes)
            apply(steps, account, terminal)


class _Making:
    """Plans or makes a set-up."""

    def __init__(
        self,
        cloud: "Cloud",
        wanted: "Wanted",
        planned: "list[Call] | None",
        result: Result,
        *,
        new_key: bool,
    ) -> None:
        self._cloud = cloud
        self._wanted = wanted
        self._planned = planned
        self._result = result
        self._new_key = new_key

    def plan(self, path: Path | None, *, json_output: bool) -> None:
        """Print the plan, or write it into a file."""
        from ossferry.setup.applying import needs_of
        from ossferry.setup.calls import plan_data
        from ossferry.setup.making import making_steps

        terminal = _terminal(self._result, json_output=json_output)
        with self._cloud.account(self._wanted) as account, terminal.reading():
            needs = needs_of(making_steps(self._wanted, account, new_key=self._new_key))
        if path is None:
            _show_plan(terminal, self._wanted, needs, self._result, json_output=json_output)
            return
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(plan_data(self._wanted, needs.calls), indent=2))
        except OSError as error:
            raise SettingsError(
                f"--plan: {path} cannot be written ({error.strerror}): choose another file."
            ) from error
        data = plan_data(self._wanted, needs.calls)
        self._result.update({**data, "notes": needs.notes, "plan_file": str(path)})
        typer.echo(f"The plan with {counted(len(needs.calls), 'call')} is in {path}.", err=True)

    def make(
        self,
        key_path: Path | None,
        env_path: Path | None,
        *,
        wait_s: float,
        yes: bool,
        json_output: bool,
    ) -> None:
        """Make the missing calls, and print the server's settings or write them into a file."""
        from dotenv import set_key

        from ossferry.setup.applying import apply, needs_of
        from ossferry.setup.making import making_steps
        from ossferry.setup.result import settings_of, todo

        wanted = self._wanted
        if env_path is not None:
            _touch(env_path)  # before the first call
        with self._cloud.account(wanted) as account:
            self._result["account"] = wanted.account
            steps = making_steps(wanted, account, new_key=self._new_key)
            reader = _terminal(self._result, json_output=json_output)
            with reader.reading():
                calls = needs_of(steps).calls
            _agree(reader, calls, self._result, yes=yes)
            with _key_file(key_path, calls) as key_file:
                terminal = _terminal(
                    self._result, json_output=json_output, key_file=key_file, wait_s=wait_s
                )
                apply(steps, account, terminal, planned=self._planned)
            for sentence in todo(wanted):
                terminal.note(sentence)
            settings = settings_of(wanted, self._cloud.mock)
        self._result["settings"] = settings
        if env_path is not None:
            for name, value in settings.items():
                set_key(env_path, name, value, quote_mode="never")
            typer.echo(f"The settings are in {env_path}.", err=True)
        elif not json_output:
            for name, value in settings.items():
                typer.echo(f"{name}={value}")


def _refuse_existing(plan: Path | None) -> None:
    """Refuse to write a plan over a file.

    Raises:
        SettingsError: the file exists.
    """
    if plan is not None and plan.exists():
        raise SettingsError(f"--plan: {plan} exists already: choose another name, or delete it.")


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


def _terminal(
    result: Result,
    *,
    json_output: bool = False,
    key_file: "KeyFile | None" = None,
    removing: bool = False,
    wait_s: float = 0,
) -> "Terminal":
    from ossferry.cli.setup.terminal import Terminal

    return Terminal(
        result, json_output=json_output, key_file=key_file, removing=removing, wait_s=wait_s
    )


@contextmanager
def _ending(*, json_output: bool) -> Iterator[Result]:
    """Return a context with the result; with JSON, its end prints the result.

    After a failure the result has the member `error`. Ctrl-C and SIGTERM end the command with one
    sentence.
    """
    result: Result = {}
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield result
    except OssferryError as error:
        result["error"] = complaint(error)
        raise
    except OSError as error:
        result["error"] = file_complaint(error) or str(error)
        raise
    except KeyboardInterrupt as error:
        result["error"] = INTERRUPTION
        typer.echo(f"ossferry: {INTERRUPTION}", err=True)
        raise typer.Exit(INTERRUPTED) from error
    finally:
        signal.signal(signal.SIGTERM, previous)
        if json_output:
            typer.echo(json.dumps(result, indent=2))


def _show_plan(
    terminal: "Terminal", wanted: "Wanted", needs: "Needs", result: Result, *, json_output: bool
) -> None:
    from ossferry.setup.calls import plan_data

    if json_output:
        result.update({**plan_data(wanted, needs.calls), "notes": needs.notes})
        return
    terminal.show(needs.calls, on_stdout=True)
    for note in needs.notes:
        terminal.note(note)
    if not needs.calls:
        typer.echo("no call is missing", err=True)


def _agree(terminal: "Terminal", calls: "list[Call]", result: Result, *, yes: bool) -> None:
    """Show the calls and ask before the first one; end the command if the person says no."""
    if not yes:
        terminal.show(calls, on_stdout=False)
    these = "this call" if len(calls) == 1 else f"these {len(calls)} calls"
    if calls and not terminal.confirm(f"Make {these}?", yes=yes):
        result["error"] = "nothing was changed"
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(1)


@contextmanager
def _key_file(path: Path | None, calls: "list[Call]") -> "Iterator[KeyFile | None]":
    """Return a context with the open file for a new access key, if there will be one."""
    from ossferry.cli.setup.terminal import KeyFile

    if path is None or all(call.action != "CreateAccessKey" for call in calls):
        yield None
        return
    with closing(KeyFile(path)) as found:
        yield found
