"""Code samples in all pages: each block parses, and our programs accept the commands.

The tests of the pages also run many of these blocks: `contract/test_docs.py`,
`contract/server/test_docs_*.py`, `contract/server/test_embedding.py`,
`contract/mock_oss/test_docs.py`, `e2e/test_uploader_api.py`.
"""

import ast
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from string import Template

import pytest
import typer
from typer.main import get_command

import build
from mock_oss.cli import option_parser
from ossferry.cli.main import commands as ossferry
from support.markdown import PAGES, ROOT, Block, blocks, prose
from support.templates import unknown_options
from support.translations import is_translation

NOT_CHECKED = {
    ("docs/architecture.md", ""): "a drawing",
    ("docs/embedding.md", "css"): "e2e/test_embed.py uses it in a page",
    ("docs/embedding.md", "js"): "e2e/test_embed.py runs it in a page",
    ("docs/mock-oss.md", "js"): "contract/mock_oss/test_docs.py runs it in Node",
    ("docs/page.md", ""): "test_cors_rule.py compares it with the sentence on the page",
    ("docs/production.md", "nginx"): "contract/server/test_nginx.py gives it to nginx",
    (
        "docs/token-server.md",
        "js",
    ): "contract/server/test_docs_token_server.py finds it in the example",
    ("docs/uploader-library.md", "html"): "e2e/test_library.py uses it in a page",
    ("docs/uploader-library.md", "ipython"): "e2e/test_library.py runs it in JupyterLite",
    ("docs/uploader-library.md", "js"): "e2e/test_library.py runs it in a page and in a worker",
    ("docs/uploader-library.md", "python"): "e2e/test_library.py runs it in a page",
}
"""Blocks that this file does not check, by page and language, with the reason."""

OURS = ("mock_oss", "ossferry", "ossferry_checks", "upload_page")
OTHER_PROGRAMS = re.compile(
    r"\.|:|aliyun|apt|cat|cd|certbot|chmod|cp|createdb|createuser|curl|docker|dropdb|echo|git|grep"
    "|head|install|jq|kubectl|ln|npm|openssl|pg_dump|pg_restore|pip|pytest|rm|runuser|s|scp|sed|set"
    "|sleep|ssh|systemctl|umask|useradd|uv|uvicorn|uvx"
)
"""Programs of others: this file does not know their options."""

FOLDERS = ("deploy/", "docs/", "server/", "tests/", "web/", "wheels/")
MADE = ("deploy/compose/secrets", "deploy/compose/nginx.conf")
"""Files in our folders that the commands of a page make."""

# test_translations.py compares the blocks of translations with those of the English pages.
SAMPLES = [block for page in PAGES if not is_translation(page) for block in blocks(page)]


def check_python(text: str) -> None:
    """Compile a sample, and look up the names that it imports from our packages."""
    compile(text, "sample", "exec")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
            assert node.module is not None
            for each in node.names:
                assert each.name in exported(node.module), f"{node.module} has no {each.name}"


def _has(top: Path, module: str) -> bool:
    return (top / module.partition(".")[0]).is_dir()


def exported(module: str) -> set[str]:
    """Return the public names of a module; it need not be importable outside the browser."""
    top = "server" if _has(ROOT / "server", module) else "web"
    folder = ROOT / top / module.replace(".", "/")
    file = folder.with_suffix(".py")
    path = file if file.exists() else folder / "__init__.py"
    names = {each.stem for each in folder.glob("*.py")}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names |= set(ast.literal_eval(node.value))
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
    return names


def check_settings(text: str) -> None:
    """Look up each option of a file such as `.env`."""
    assert unknown_options(dict(line.split("=", 1) for line in text.splitlines())) == []


def check_tag(text: str) -> None:
    """Look up the tag, without its end and its host, in the example that a browser test opens."""
    example = (ROOT / "docs/examples/embed.html").read_text("utf-8")
    tag = text.replace("https://uploads.example", "http://127.0.0.1:8000")

    assert tag.partition("></script>")[0] in example


def check_console(text: str) -> None:
    """Check the lines after a prompt; the others show the output."""
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    assert lines, "no line has a prompt"
    check_script("\n".join(lines))


def check_script(text: str) -> None:
    """Check the syntax of a script, and each of its commands."""
    done = subprocess.run(["/bin/sh", "-n"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in text.splitlines():
        for words in simple_commands(line):
            check_command(words)


def simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line, without redirections and the shell's own words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    for token in [*lexer, ";"]:
        if skip:
            skip = False
        elif set(token) <= set("<>"):
            skip = True
        elif set(token) <= set("();|&"):
            if words and words[0] not in ("for", "done"):
                yield words
            words = []
        elif words or token not in ("do", "until"):
            words.append(token)


def check_command(words: list[str]) -> None:
    """Fail unless one of our programs accepts the command, or it is one of another program."""
    assigned = list(words) if words[0] == "export" else []
    while words and re.match(r"\w+=", words[0]):
        assigned.append(words.pop(0))
    assert unknown_options(dict(each.partition("=")[::2] for each in assigned)) == []
    if not words or words[0] == "export":
        return
    for word in words:
        if word.startswith(FOLDERS) and "*" not in word and not word.startswith(MADE):
            assert (ROOT / word).exists(), f"no file {word}"
    program, arguments = PurePosixPath(words[0]).name or words[0], words[1:]
    if program in PROGRAMS:
        PROGRAMS[program](arguments)
    else:
        assert OTHER_PROGRAMS.fullmatch(program), f"{program} is not in OTHER_PROGRAMS"
    if program == "runuser":
        check_command(arguments[arguments.index("--") + 1 :])
    elif program == "uvx":
        check_command(arguments[arguments.index("--from") + 2 :])


def accept_ossferry(arguments: list[str]) -> None:
    """Parse the arguments of `ossferry`; it passes those of `ossferry mock-oss` on."""
    if arguments[0] == "mock-oss":
        accept_mock_oss(arguments[1:])
    else:
        accept(ossferry, arguments)


def accept_mock_oss(arguments: list[str]) -> None:
    """Parse the arguments of `mock-oss`."""
    option_parser().parse_args(arguments)


def accept(program: typer.Typer, arguments: list[str]) -> None:
    """Parse the arguments as the program does, and do nothing else.

    Raises:
        click.UsageError: the program refuses the arguments.
    """
    commands = [get_command(program)]
    for command in commands:  # it grows
        command.callback = lambda **_options: None
        commands.extend(getattr(command, "commands", {}).values())
    commands[0].main(arguments, standalone_mode=False)


def accept_make(arguments: list[str]) -> None:
    """Look up the targets and the variables in the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for each in arguments:
        name, variable, _ = each.partition("=")
        pattern = rf"^{name} \??:?=" if variable else rf"^{name}:"
        assert re.search(pattern, makefile, re.MULTILINE), f"the Makefile has no {name}"


def accept_python(arguments: list[str]) -> None:
    """Parse the options of the one program of ours that is not installed as a command."""
    if arguments[0] == "web/build.py":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", arguments)
            build.read_command_line()


PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "make": accept_make,
    "mock-oss": accept_mock_oss,
    "ossferry": accept_ossferry,
    "python": accept_python,
    "python3": accept_python,
}


CHECKS: dict[str, Callable[[str], object]] = {
    "bash": check_script,
    "console": check_console,
    "html": check_tag,
    "ini": check_settings,
    "json": json.loads,
    "python": check_python,
    "sh": check_script,
    "toml": tomllib.loads,
}


@pytest.mark.parametrize(
    "block",
    [each for each in SAMPLES if (each.page, each.language) not in NOT_CHECKED],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_a_sample_is_accepted(block: Block) -> None:
    CHECKS[block.language](Template(block.text).safe_substitute(variables(block.page)))


def variables(page: str) -> dict[str, str]:
    """Return the variables that the commands of a page export, apart from quoted values."""
    lines = re.findall(r"^\$ export (.*)", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    return dict(re.findall(r"""(\w+)=([^\s'"$]+)""", " ".join(lines)))


def test_each_exception_is_needed() -> None:
    assert NOT_CHECKED.keys() <= {(block.page, block.language) for block in SAMPLES}


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_the_text_exist(document: Path) -> None:
    named = re.findall(r"`ossferry ([^`\n]+)`", prose(document))

    assert [line for line in named if not is_command(line.split())] == []


def is_command(words: list[str]) -> bool:
    """Return whether the words after `ossferry` are a command with options that it has."""
    found = get_command(ossferry)
    while words and words[0][0].isalpha() and hasattr(found, "commands"):
        if words[0] not in found.commands:
            return False
        found = found.commands[words.pop(0)]
    if found.name == "mock-oss":
        return True  # it passes its options on
    known = {"--help", *(each for option in found.params for each in option.opts)}
    return {word for word in words if word.startswith("--")} <= known
