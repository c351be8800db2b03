"""The commands `ossferry checks bundle`, `ossferry checks list` and `ossferry check`.

To check a stored upload, a command reads all settings of the server. The other commands read only
the options of checks. So they also work where the other settings are missing, for example in the
build of a container image.
"""

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ossferry.cli.complaints import complaint
from ossferry.cli.output import JsonOption, Rows, counted, json_line, note, plain, progress
from ossferry.cli.tools import Tools, with_bucket
from ossferry.errors import OssferryError, SettingsError, UsageError
from ossferry.extras import install_command

if TYPE_CHECKING:
    from ossferry.checks.selection import Selection
    from ossferry.oss.objects import Stored
    from ossferry.settings.checks import CheckSettings

checks_commands = typer.Typer(help="The checks of files before their upload.", no_args_is_help=True)


@checks_commands.command()
def bundle(
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="The folder to fill; by default OSSFERRY_CHECKS_DIR."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Choose new versions, and write a new lock.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Download the wheels of OSSFERRY_CHECKS_PACKAGES for the browser; this needs pip.

    The folder also gets the file checks.lock, which fixes the versions. If this file already
    exists, the command downloads exactly the wheels that checks.lock lists.
    """
    from ossferry.checks.bundling import make_bundle
    from ossferry.settings.loading import load_check_settings

    settings = load_check_settings()
    folder = directory or settings.checks_dir
    if not settings.checks_packages:
        note("OSSFERRY_CHECKS_PACKAGES names no packages; nothing was downloaded.")
        return
    if folder is None:
        raise SettingsError("OSSFERRY_CHECKS_DIR is missing; set it, or use --dir.")
    made = make_bundle(settings.checks_packages, folder, update=update)
    titles = {"name": "package"}
    with Rows("name", "version", "file", as_json=as_json, titles=titles) as rows:
        for each in made.packages:
            rows.add(each.name, each.version, each.file)
    note(f"{counted(len(made.packages), 'wheel')} in {folder}; restart the server to use them")


@checks_commands.command("list")
def list_checks(as_json: JsonOption = False) -> None:
    """List the checks that are on, in the order in which they run.

    The command reads the file of OSSFERRY_CHECKS, but does not run it. It warns about imports that
    fail in the browser.
    """
    from ossferry.checks.selection import select_checks
    from ossferry.settings.loading import load_check_settings

    settings = load_check_settings()
    selection = select_checks(settings)
    names = ("name", "files", "max_seconds", "seconds_per_mb", "source")
    titles = {"name": "check", "max_seconds": "seconds", "seconds_per_mb": "seconds per MB"}
    with Rows(*names, as_json=as_json, titles=titles) as rows:
        for each in selection.checks:
            source = "built in" if each["built_in"] else str(settings.checks)
            seconds = (f"{each[name]:g}" for name in ("max_seconds", "seconds_per_mb"))
            rows.add(each["name"], " ".join(each["patterns"]), *seconds, source)
    if selection.version:
        note(f"{settings.checks} has the version {selection.version}")
    if not selection.checks:
        note("no check is on; set OSSFERRY_CHECKS or OSSFERRY_CHECKS_BUILT_IN")
    if selection.source:
        _warn_of_imports(settings, selection.source.imports)


def _warn_of_imports(settings: "CheckSettings", imports: frozenset[str]) -> None:
    """Write a sentence about modules that the browser does not have, if there are any."""
    from ossferry.checks.bundle import read_bundle
    from ossferry.checks.configuration import provided_modules

    known = {*sys.stdlib_module_names, *PYODIDE} | provided_modules(settings.checks_built_in)
    try:
        found = read_bundle(settings)
    except SettingsError as error:
        note(f"warning: {error}")
        return
    for package in found.packages if found else ():
        known |= set(package.imports)
    for name in sorted(imports - known):
        note(
            f"warning: {settings.checks} imports {name}, which the browser does not have; add its"
            " package to OSSFERRY_CHECKS_PACKAGES, and run `ossferry checks bundle --update`"
        )


PYODIDE = ("js", "pyodide", "pyodide_js")
"""Modules that Pyodide itself has."""

PASSED, REJECTED, FAILED = 0, 1, 2
"""Exit codes of `ossferry check`."""


def check(
    key: Annotated[
        str, typer.Argument(metavar="[KEY]", help="The key of the upload, as `ls` prints it.")
    ] = "",
    file: Annotated[Path | None, typer.Option(help="Check this local file instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the checks of the page on this machine, on a stored upload or a local file.

    Trust this result, and not the result that a page reports, which a client can forge. A check
    that takes too long is stopped. The exit code is 0 if the file passed, 1 if a check rejected it,
    and 2 if a check did not work, or if the file cannot be checked.
    """
    if bool(key) == bool(file):
        raise UsageError("give the key of an upload, or --file with a local file.")
    try:
        found = _check_local(file) if file else _check_stored(key)
    except (OssferryError, OSError) as error:
        if not (sentence := complaint(error)):
            raise
        raise UsageError(sentence) from error  # which has the exit code `FAILED`
    if as_json:
        json_line(found)
    else:
        _print_verdict(found)
    raise typer.Exit(_exit_code(found["verdict"]))


def _check_local(path: Path) -> dict[str, Any]:
    """Run the checks over a local file."""
    from ossferry.scanning.checking import Job, check_file
    from ossferry.settings.loading import load_check_settings

    settings = load_check_settings()
    selection = _select(settings)
    with path.open("rb"):  # an error names the file
        pass
    verdict = asyncio.run(check_file(settings, selection, Job(path=path)))
    return {"file": str(path), "version": selection.version, "verdict": verdict.as_json()}


def _check_stored(key: str) -> dict[str, Any]:
    """Download an upload, and run the checks over it."""
    from ossferry.identity.object_keys import name_of, safe_name
    from ossferry.scanning.checking import Job, check_file
    from ossferry.uploads.scope import read_key

    name = name_of(read_key(key))
    with tempfile.TemporaryDirectory(prefix="ossferry-") as folder:
        path = Path(folder) / safe_name(name)
        settings, selection, stored = with_bucket(lambda tools: _download(tools, key, path))
        job = Job(path=path, name=name, content_type=stored.content_type, needs_locks=True)
        verdict = asyncio.run(check_file(settings, selection, job))
    return {
        "key": key,
        "etag": stored.etag,
        "version": selection.version,
        "verdict": verdict.as_json(),
    }


async def _download(
    tools: Tools, key: str, path: Path
) -> "tuple[CheckSettings, Selection, Stored]":
    """Write an upload to a file; return the settings, the checks, and what OSS says about it.

    Raises:
        NotStoredError: OSS has no object with this key, or only a symlink.
        SettingsError: no check is on, or the upload is encrypted or too large.
    """
    from ossferry.scanning.look import download
    from ossferry.uploads.inventory import find_upload

    selection, most = _select(tools.settings), tools.settings.max_file_size
    found = await find_upload(tools.places, key)
    stored = replace(found, key=found.place + key)
    if stored.is_encrypted:
        raise SettingsError(
            f"{key} was encrypted before its upload, and the server has no key for it; decrypt it"
            " with your private key, and check the result with --file."
        )
    if stored.size > most:
        raise SettingsError(f"{key} has {stored.size} bytes; OSSFERRY_MAX_FILE_SIZE allows {most}.")
    with progress(f"Reading {plain(key)}", total=stored.size, in_bytes=True) as done:

        async def spend(size: int) -> None:
            done(size)

        await download(tools.store, stored, path, spend=spend)
    return tools.settings, selection, stored


def _select(settings: "CheckSettings") -> "Selection":
    """Return the checks that are on.

    Raises:
        SettingsError: no check is on.
    """
    from ossferry.checks.selection import select_checks

    selection = select_checks(settings)
    if not selection.checks:
        raise SettingsError("no check is on; set OSSFERRY_CHECKS or OSSFERRY_CHECKS_BUILT_IN.")
    return selection


def _print_verdict(found: dict[str, Any]) -> None:
    """Print one row for each check that ran, and a sentence about the result."""
    verdict = found["verdict"]
    with Rows("check", "outcome", "seconds", "says", as_json=False) as rows:
        for each in verdict["ran"]:
            seconds = f"{each['seconds']:.2f}"
            rows.add(each["check"], each["outcome"], seconds, each["says"] or None)
    if found["version"]:
        note(f"checks.py has the version {found['version']}")
    refusal = verdict["refusal"]
    if refusal:
        line = f", line {refusal['line']}" if refusal["line"] else ""
        words = "did not work" if refusal["is_error"] else "rejects the file"
        note(plain(f"{refusal['check']} {words}{line}: {refusal['reason']}"))
    elif not verdict["ran"]:
        note("no check looks at files with this name")
    if any("ModuleNotFoundError" in each["says"] for each in verdict["ran"]):
        note(
            f"install the missing package where this command runs; `{install_command('checks')}`"
            " has those of the built-in checks"
        )


def _exit_code(verdict: dict[str, Any]) -> int:
    if any(each["outcome"] == "error" for each in verdict["ran"]):
        return FAILED
    return REJECTED if verdict["refusal"] else PASSED
