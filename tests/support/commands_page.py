"""Makes the page about commands on the documentation site from their help texts."""

import re

import typer
from typer.cli import get_docs_for_click
from typer.core import TyperGroup
from typer.main import get_command

from ossferry.cli.main import commands

HEAD = """\
# Commands

Commands print their result on stdout, and messages on stderr.
The exit code is 0 after success, 2 after a wrong use of options, and 1 after any other failure.
A failure is one sentence on stderr that says what to do.
Only commands that run a server write log lines.
Other commands record their actions in `OSSFERRY_AUDIT_FILE`, if it is set.
`verify` also ends with 1 if an upload differs.

Lists are tables on a terminal, and lines of text separated by tabs for other programs.
In text, control characters in names are escaped.
`--json` prints one JSON object per line; use it in scripts.
After a failure, the last line is an object with the member `error`: the sentence on stderr.
`setup`, `teardown` and `doctor` print one object, which has the member `error` after a failure.
A command line that cannot be read, such as `share KEY --days soon`, prints no object.
Long lists are printed while the command runs, and progress bars appear only on a terminal.

`ossferry --install-completion` installs the completion of commands and options.
Run it in the shell that you use: bash, zsh, fish or PowerShell, and start a new shell afterwards.
`ossferry --show-completion` prints the script instead.

"""


def commands_page() -> str:
    """Return the text of the page: usage, arguments and options of commands.

    The page has no hidden commands.
    """
    command = get_command(commands)
    if isinstance(command, TyperGroup):
        shown = {name: each for name, each in command.commands.items() if not each.hidden}
        command.commands = shown
    context = typer.Context(command, info_name="ossferry")
    text = get_docs_for_click(obj=command, ctx=context, name="ossferry", indent=1)
    names_only = re.sub(r": .*\.\.\.$", "", text, flags=re.MULTILINE)  # the rest was cut off
    return HEAD + names_only.rstrip() + "\n"
