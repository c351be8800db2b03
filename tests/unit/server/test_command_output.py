"""Rows are tables on a terminal, lines of text for other programs, and JSON with `--json`."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime

import pytest

from ossferry.cli.output import ROWS_PER_TABLE, Rows, progress

NAMES = ("key", "size", "stored_at")
TITLES = {"size": "bytes"}
AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 60 columns, to which a test redirects its output."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal()


def write(*, as_json: bool = False, has_heading: bool = True, key: str = "a/b.txt") -> None:
    with Rows(*NAMES, as_json=as_json, titles=TITLES, has_heading=has_heading) as rows:
        rows.add(key, 5, AT)
        rows.add("c", None, None)


def test_other_programs_get_one_line_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    write()

    assert capsys.readouterr().out == (
        "key\tbytes\tstored\na/b.txt\t5\t2026-03-14T09:26:53Z\nc\t-\t-\n"
    )


def test_the_line_of_titles_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write(has_heading=False)

    assert capsys.readouterr().out.splitlines()[0].startswith("a/b.txt\t")


def test_titles_without_rows_mean_that_nothing_was_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Rows(*NAMES, as_json=False, titles=TITLES):
        before = capsys.readouterr().out
    after = capsys.readouterr().out
    with pytest.raises(ValueError, match="lost"), Rows(*NAMES, as_json=False, titles=TITLES):
        raise ValueError("lost")

    assert (before, after, capsys.readouterr().out) == ("", "key\tbytes\tstored\n", "")


def test_json_keeps_types_and_characters(capsys: pytest.CaptureFixture[str]) -> None:
    write(as_json=True, key="tab\tand \u202e")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert lines == [
        {"key": "tab\tand \u202e", "size": 5, "stored_at": "2026-03-14T09:26:53Z"},
        {"key": "c", "size": None, "stored_at": None},
    ]


def test_control_characters_in_names_do_not_reach_the_reader(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(key="\x1b]0;title\x07\n\t\u202egpj.exe\ud800 größe 日本")

    line = capsys.readouterr().out.splitlines()[1]

    assert line == (
        r"\x1b]0;title\x07\n\t\u202egpj.exe\ud800 größe 日本" + "\t5\t2026-03-14T09:26:53Z"
    )


def test_a_terminal_gets_a_table_in_which_nothing_is_cut_off_or_markup(screen: Terminal) -> None:
    with redirect_stdout(screen):
        write(key="[bold]" + "k" * 60)

    shown = screen.getvalue()

    assert "key" in shown.splitlines()[1]
    assert "…" not in shown
    assert "[bold]" in shown
    assert shown.count("k") == 60 + 1  # and one in the title
    assert "\t" not in shown


def test_a_terminal_does_not_wait_for_the_end_of_a_long_list(screen: Terminal) -> None:
    with redirect_stdout(screen), Rows(*NAMES, as_json=False, titles=TITLES) as rows:
        for number in range(ROWS_PER_TABLE):
            rows.add(f"key-{number}", number, AT)
        before = screen.getvalue()

    assert "key-0" in before
    assert screen.getvalue() == before


def test_a_terminal_gets_json_too(screen: Terminal) -> None:
    with redirect_stdout(screen):
        write(as_json=True)

    assert [*json.loads(screen.getvalue().splitlines()[0])] == [*NAMES]


def test_progress_is_shown_only_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("Working", total=2) as done:
        done(1)
    silent = capsys.readouterr()
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    with redirect_stderr(terminal), progress("Working", total=2) as done:
        done(1)
        print("a row")  # noqa: T201 - stdout is no terminal here

    assert silent == ("", "")
    assert "Working" in terminal.getvalue()
    assert capsys.readouterr().out == "a row\n"
    assert "a row" not in terminal.getvalue()
