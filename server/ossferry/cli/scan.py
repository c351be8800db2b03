"""The commands `ossferry scan` and `ossferry held …`: the scanner, and uploads that it holds.

Each command imports its dependencies when it is called, so that the command line starts quickly.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from ossferry.cli.output import JsonOption, Rows, json_line, note
from ossferry.cli.tools import Tools, with_bucket, with_ledger
from ossferry.clock import utc_now
from ossferry.errors import NotStoredError, OssferryError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ossferry.access.audit import Audit
    from ossferry.ledger import Database
    from ossferry.ledger.holds import Hold
    from ossferry.observability.metrics import Metrics
    from ossferry.settings.model import Settings

PAGE = 500
Key: TypeAlias = Annotated[str, typer.Argument(help="The key of the upload, as `list` prints it.")]

held_commands = typer.Typer(
    help="Uploads that wait for the scanner, or that it found bad.", no_args_is_help=True
)


def scan(
    once: Annotated[bool, typer.Option("--once", help="End when no upload waits.")] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, max=64, help="Uploads that are scanned at a time.")
    ] = 2,
    rate: Annotated[
        int | None, typer.Option(min=1, help="Bytes that are read from OSS in a second.")
    ] = None,
    largest: Annotated[
        int, typer.Option(min=1, help="The largest upload in bytes that is read.")
    ] = 2_000_000_000,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Answer /healthz and /metrics at this port of OSSFERRY_HOST."
        ),
    ] = None,
) -> None:
    """Look at uploads that wait (OSSFERRY_RELEASE=checked), and release them or hold them.

    The command runs until it gets SIGTERM or SIGINT. Several may run, on several machines.
    """
    from ossferry.observability.log_format import configure, logger
    from ossferry.observability.metrics import Metrics
    from ossferry.scanning.worker import scan_uploads
    from ossferry.settings.loading import load_settings
    from ossferry.settings.secrets import secret_values

    configure("INFO")
    settings, metrics = load_settings(), Metrics()
    configure(settings.log_level, secrets=secret_values(settings))

    async def run(tools: Tools) -> None:
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        logger("ossferry.scan").info("starting", concurrency=concurrency)
        await scan_uploads(
            settings,
            tools.store,
            tools.database,
            stop=stop,
            metrics=metrics,
            clock=utc_now,
            concurrency=concurrency,
            bytes_per_s=rate,
            largest=largest,
            once=once,
        )

    with nullcontext() if port is None else _serving_metrics(settings, metrics, port):
        with_bucket(run)


@contextmanager
def _serving_metrics(settings: "Settings", metrics: "Metrics", port: int) -> Iterator[None]:
    """Answer /healthz and /metrics within the `with` block."""
    from ossferry.access.audit import Audit
    from ossferry.cli.processes.serving import BackgroundServer, bind

    audit = Audit(settings, clock=utc_now)
    with bind(settings.host, port, option="--port") as sock, closing(audit):
        server = BackgroundServer(_metrics_app(settings, metrics, audit), sock)
        server.start()
        try:
            yield
        finally:
            server.stop()


def _metrics_app(settings: "Settings", metrics: "Metrics", audit: "Audit") -> "Starlette":
    """Return an application that answers /healthz and, with the token, /metrics."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    from ossferry.http.problems import answer_problem
    from ossferry.operations.metrics import MetricsApi
    from ossferry.operations.readiness import health

    api = MetricsApi(settings, metrics, audit, clock=utc_now)
    return Starlette(
        routes=[Route("/healthz", health), Route("/metrics", api.show)],
        exception_handlers={OssferryError: answer_problem},
    )


@held_commands.command("list")
def list_held(
    state: Annotated[
        Literal["waiting", "held"] | None, typer.Option(help="Only those in this state.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the uploads that wait for the scanner, and those that it holds, newest first."""
    from ossferry.ledger import holds

    names = ("key", "bytes", "state", "reason", "recorded_at", "remove_at", "owner_hash")

    async def show(database: "Database") -> None:
        last: Hold | None = None
        with Rows(*names, as_json=as_json, titles={"owner_hash": "owner's hash"}) as rows:
            while True:
                async with database.read() as connection:
                    page = await holds.page(connection, state=state, after=last, limit=PAGE)
                for each in page:
                    what = (each.key, each.size, each.state, each.reason or None)
                    rows.add(*what, each.recorded_at, each.remove_at, each.principal)
                if len(page) < PAGE:
                    return
                last = page[-1]

    with_ledger(show)


@held_commands.command()
def look(key: Key, as_json: JsonOption = False) -> None:
    """Print a link with which you can download a held upload for five minutes.

    The file may be malware: open it only where it can do no harm.
    """
    _decide(key, "look", as_json=as_json)


@held_commands.command()
def release(key: Key, as_json: JsonOption = False) -> None:
    """Release a held upload, whatever the scanner says; its owner gets it, and hooks are told."""
    _decide(key, "release", as_json=as_json)


@held_commands.command()
def remove(key: Key, as_json: JsonOption = False) -> None:
    """Remove a held upload for good."""
    _decide(key, "remove", as_json=as_json)


def _decide(key: str, action: str, *, as_json: bool) -> None:
    """Decide about a held upload, and write a line to the audit trail.

    Raises:
        NotStoredError: no held upload has this key, or it was deleted or replaced meanwhile.
    """
    from ossferry.cli.uploads import audited
    from ossferry.uploads.trash import trash_of

    async def run(tools: Tools) -> None:
        held = trash_of(tools.settings, tools.store, tools.database).held
        hold = await held.find(key)
        url = ""
        with audited(tools.settings, hold.principal, f"held-{action}"):
            if action == "look":
                url = (await held.look(hold)).url
            elif action == "remove":
                await held.remove(hold)
            elif await held.release(hold) is None:
                raise NotStoredError("the upload was deleted, replaced or released meanwhile.")
        if as_json:
            json_line({"key": key, "action": action, "reason": hold.reason, "url": url or None})
        elif url:
            note(hold.reason or "It waits for the scanner.")
            typer.echo(url)

    with_bucket(run)
