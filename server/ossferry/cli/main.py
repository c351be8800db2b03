"""The command `ossferry` with its subcommands, such as `demo`, `serve` and `mock-oss`.

Error messages go to stderr; stdout has only the result of a command. Each command imports its
dependencies when it is called, so that no command loads the libraries of another command.
"""

import asyncio
import errno
import json
import logging
import os
import sys
from contextlib import contextmanager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from ossferry.cli.admin import admin_commands
from ossferry.cli.checks import check, checks_commands
from ossferry.cli.complaints import complaint
from ossferry.cli.keys import key_commands
from ossferry.cli.mock import refuse_production, refuse_unsafe_mock, require_mock, run_mock_oss
from ossferry.cli.output import json_line, wants_json
from ossferry.cli.scan import held_commands, scan
from ossferry.cli.setup.commands import setup, teardown
from ossferry.cli.setup.policy import policy
from ossferry.cli.uploads import upload_commands
from ossferry.errors import OssferryError, UsageError
from ossferry.settings.choices import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from starlette.applications import Starlette

    from ossferry.cli.demo import Demo
    from ossferry.settings.model import Settings

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

Port: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="Port of the server.")]
MeantOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--i-know-this-is-a-mock",
        help="Allow a mock that other machines can reach, or that looks like production.",
    ),
]
ChecksOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--checks/--no-checks",
        help="Check files in the page before the upload, and write sample files to try.",
    ),
]
ScanOption: TypeAlias = Annotated[
    bool,
    typer.Option("--scan", help="Release uploads only after a scan, by clamd if it runs here."),
]
UploadHosts: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Another name of the bucket, such as oss-accelerate.localhost; can be given more than"
        " once.",
    ),
]
OssPort: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="Port of the mock OSS.")]


class _Commands(TyperGroup):
    """The commands; after a failure, a command with `--json` prints a JSON object, too."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command, and print an object with the member `error` if it fails."""
        try:
            return super().invoke(ctx)
        except (OssferryError, OSError) as error:
            sentence = complaint(error)
            if sentence and wants_json(ctx):
                json_line({"error": sentence})
            raise


commands = typer.Typer(
    cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
commands.add_typer(key_commands, name="apikey")
commands.add_typer(admin_commands, name="admin")
commands.add_typer(checks_commands, name="checks")
commands.add_typer(held_commands, name="held")
commands.add_typer(upload_commands)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ossferry {version('ossferry')}")
        raise typer.Exit


@commands.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Browser uploads straight into Alibaba Cloud OSS."""


@commands.command()
def demo(
    port: Port = 8000,
    oss_port: OssPort = 9000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep uploaded objects in this folder.")
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="The page's Python interpreter.")
    ] = "micropython",
    frame_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Another site that may embed the page and learns the results; can be given more"
            " than once."
        ),
    ] = None,
    custom_domain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Behave like a new account: upload to this domain, such as files.localhost;"
            " public endpoints refuse uploads.",
        ),
    ] = None,
    upload_host: UploadHosts = None,
    checks: ChecksOption = True,
    scans: ScanOption = False,
    i_know_this_is_a_mock: MeantOption = False,
) -> None:
    """Run the page, the server and a mock OSS on this machine; no cloud account is needed."""
    require_mock("`ossferry demo`")
    if not i_know_this_is_a_mock:
        refuse_production(host, option="--host")
    from ossferry.checks.configuration import can_check
    from ossferry.cli.demo import WITH_CHECKS, Demo
    from ossferry.cli.processes.serving import stop_signals
    from ossferry.observability.log_format import configure

    configure("WARNING")
    has_checks = checks and can_check()
    with (
        stop_signals() as stop,
        Demo(
            host=host,
            port=port,
            oss_port=oss_port,
            data_dir=data_dir,
            runtime=runtime,
            frame_origins=dict.fromkeys(frame_origin or (), "results"),
            custom_domain=custom_domain,
            upload_hosts=tuple(upload_host or ()),
            scans=scans,
            on_exit=stop.set,
            **(WITH_CHECKS if has_checks else {}),
        ) as running,
    ):
        _print_addresses(running, with_origins=bool(custom_domain or upload_host))
        with _samples(data_dir, has_checks=has_checks) if checks else nullcontext():
            stop.wait()


def _print_addresses(demo: "Demo", *, with_origins: bool) -> None:
    """Print the addresses of the page, of uploads (if wanted) and of the mock's own page."""
    typer.echo(f"ossferry demo ready at {demo.url}")
    if with_origins:
        typer.echo(f"files go to {', '.join(demo.settings.upload_origins)}")
    typer.echo(f"the mock OSS shows its objects at http://127.0.0.1:{demo.oss.port}/_mock/")
    sys.stdout.flush()


@contextmanager
def _samples(data_dir: Path | None, *, has_checks: bool) -> "Iterator[None]":
    """Write the files to try the checks, and print where they are, or how to get checks."""
    from ossferry.cli.samples.files import sample_folder
    from ossferry.extras import install_command

    with sample_folder(data_dir) if has_checks else nullcontext() as folder:
        how = f"`{install_command('pyodide')}` adds checks of files"
        typer.echo(f"files to try the checks: {folder}" if folder else how)
        sys.stdout.flush()
        yield


@commands.command()
def serve(
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; more than one needs Redis.")
    ] = None,
    i_know_this_is_a_mock: MeantOption = False,
) -> None:
    """Run the server with the settings in `.env` and in environment variables `OSSFERRY_…`."""
    from ossferry.app import create_app
    from ossferry.cli.processes.serving import address_of, bind
    from ossferry.cli.processes.workers import allow_connections, run_workers
    from ossferry.ledger.database import check_ledger
    from ossferry.observability.log_format import configure, logger
    from ossferry.oss.mock_check import refuse_mock
    from ossferry.settings.loading import load_settings
    from ossferry.settings.secrets import secret_values

    configure("INFO")  # for warnings about the settings
    settings = load_settings(**({} if workers is None else {"workers": workers}))
    configure(settings.log_level, secrets=secret_values(settings))
    if not i_know_this_is_a_mock:
        refuse_unsafe_mock(settings)
    refuse_mock(settings)
    if settings.objects_role_arn is not None:
        asyncio.run(check_ledger(settings.ledger_url))
    allow_connections()
    with bind(settings.host, settings.port, option="OSSFERRY_PORT") as sock:
        log = logger("ossferry.serve")
        (address, *_) = settings.own_origins(sock.getsockname()[1])
        log.info("starting", address=address, listens=address_of(sock), workers=settings.workers)
        app = create_app(settings)  # check once here, even if worker processes serve
        if settings.workers > 1:
            run_workers(settings, sock)
        else:
            _serve_here(settings, app, sock)


def _serve_here(settings: "Settings", app: "Starlette", sock: "socket") -> None:
    """Run the server in this process until a signal stops it."""
    from ossferry.cli.processes.serving import BackgroundServer, stop_signals
    from ossferry.cli.processes.workers import GRACE_S, settle

    settle()
    with stop_signals() as stop:
        server = BackgroundServer(
            app, sock, grace_s=GRACE_S, drain_s=settings.drain_s, on_exit=stop.set
        )
        server.start()
        stop.wait()
        server.stop()


@commands.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check the cloud account, the bucket, TLS, Redis, the ledger, the server's start and sign-in.

    The exit code is 1 if a check failed. Run the command where the server runs, as the server's
    user.
    """
    import ossferry.cli.doctor as output
    from ossferry.app import create_app
    from ossferry.doctor.examination import examine, is_healthy
    from ossferry.settings.loading import load_settings

    def create(settings: "Settings", **given: Any) -> object:
        refuse_unsafe_mock(settings)
        return create_app(settings, **given)

    try:
        settings = load_settings()
        with output.shown(as_json=as_json) as show:
            rows = asyncio.run(examine(settings, create_app=create, on_row=show))
    except OssferryError as error:
        if as_json:
            document = {"healthy": False, "checks": [], "error": complaint(error)}
            typer.echo(json.dumps(document, indent=2))
        raise
    raise typer.Exit(0 if is_healthy(rows) else 1)


@commands.command("config-docs", hidden=True)
def config_docs() -> None:
    """Print docs/configuration.md, the page that describes all options."""
    from ossferry.cli.config_docs import configuration_page

    typer.echo(configuration_page(), nl=False)


@commands.command(
    "mock-oss",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def mock_oss(context: typer.Context) -> None:
    """Run only the mock OSS; `ossferry mock-oss --help` prints its options."""
    require_mock("`ossferry mock-oss`")
    logging.getLogger().handlers.clear()  # Python's default handler writes the mock's own mistakes
    run_mock_oss(context.args)


commands.command()(setup)
commands.command()(teardown)
commands.command()(policy)
commands.command()(check)
commands.command()(scan)


def main() -> None:
    """Run the command line and exit; the program `ossferry` calls this function.

    For an `OssferryError`, an `OSError` with a file name, or an `OSError` that reports a full disk,
    print a message to stderr, and exit with code 1, or 2 for wrong options. Other exceptions are
    bugs and are not caught. Log lines are discarded, except in commands that run a server: those
    call `log_format.configure`.
    """
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    try:
        commands()
    except (OssferryError, OSError) as error:
        sentence = complaint(error)
        if not sentence and isinstance(error, OSError) and error.errno in DISK_FULL:
            sentence = f"the output cannot be written ({error.strerror}); free space on the disk."
            _discard_output()
        if not sentence:
            raise
        typer.echo(f"ossferry: {sentence}", err=True)
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from error


def _discard_output() -> None:
    """Discard the rest of the output; otherwise Python tries to write it when the program ends."""
    with suppress(OSError), Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    main()
