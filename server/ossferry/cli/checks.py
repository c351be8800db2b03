"""The commands `ossferry checks bundle` and `ossferry checks list`.

They need only the options of checks, so that they also run where the server's other settings are
missing, for example when an image is built.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ossferry.cli.output import JsonOption, Rows, counted, note
from ossferry.errors import SettingsError

if TYPE_CHECKING:
    from ossferry.settings.checks import CheckSettings

__all__ = ["checks_commands"]

checks_commands = typer.Typer(help="The checks of files before their upload.", no_args_is_help=True)


@checks_commands.command()
def bundle(
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="The folder to fill; by default OSSFERRY_CHECKS_DIR."),
    ] = None,
    pyodide_dir: Annotated[
        Path | None,
        typer.Option(
            help="The folder of an unpacked Pyodide release, for packages such as numpy that the"
            " package index does not have for browsers."
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Choose new versions, and write a new lock.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Download the wheels of OSSFERRY_CHECKS_PACKAGES for the browser; needs pip.

    The folder also gets the file checks.lock, which fixes the versions. If it exists, the command
    downloads exactly its files.
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
    made = make_bundle(settings.checks_packages, folder, pyodide_dir=pyodide_dir, update=update)
    titles = {"name": "package", "version": "version", "file": "file"}
    with Rows(titles, as_json=as_json) as rows:
        for each in made.packages:
            rows.add(name=each.name, version=each.version, file=each.file)
    note(f"{counted(len(made.packages), 'wheel')} in {folder}; restart the server to use them")


@checks_commands.command("list")
def list_checks(as_json: JsonOption = False) -> None:
    """List the checks that are on, in the order in which they run.

    The command does not run checks.py. It warns about imports that the browser does not have.
    """
    from ossferry.checks.selection import select_checks
    from ossferry.settings.loading import load_check_settings

    settings = load_check_settings()
    selection = select_checks(settings)
    titles = {
        "name": "check",
        "files": "files",
        "max_seconds": "seconds",
        "seconds_per_mb": "seconds per MB",
        "source": "source",
    }
    with Rows(titles, as_json=as_json) as rows:
        for each in selection.checks:
            rows.add(
                name=each.name,
                files=" ".join(each.patterns),
                max_seconds=f"{each.max_seconds:g}",
                seconds_per_mb=f"{each.seconds_per_mb:g}",
                source="built in" if each.built_in else str(settings.checks),
            )
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

    known: set[str] = set(sys.stdlib_module_names) | provided_modules(settings.checks_built_in)
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
