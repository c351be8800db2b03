"""The built-in check of JSON and JSON Lines files."""

import json
import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ossferry_checks import CheckedFile, Reject
from ossferry_checks.builtin import json_text
from ossferry_checks.builtin.json_text import json_check
from support.checking import answer, refusal, written

CHECK = json_check()


def unexpected(found: str) -> str:
    return (
        f"This is not valid JSON: “{found}” must not be here. Correct the file, or export it again."
    )


END = "This is not valid JSON: the file ends too early. Export it again."
LINES = "Each line must be one complete JSON value. Correct the line, or export the file again."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"a": [1, -2.5e+3, "\\u00e9\\n", {}, [], true, false, null]}'),
        ("a.json", " \n\t 7 \n"),
        ("a.json", '"text"'),
        ("a.json", b"\xef\xbb\xbf[]"),
        ("a.geojson", '{"type": "FeatureCollection", "features": []}'),
        ("a.json", "[" + "1" * 5000 + "]"),
        ("a.jsonl", '{"a": 1}\n\n[2]\r\n"x"\n'),
        ("a.ndjson", '{"a": 1}\n \n 2 \n3'),
        ("a.jsonl", ""),
        ("a.jsonl", '  \n\t{"a": 1} \n[2]\t\r\n'),
    ],
)
def test_json_passes(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert answer(CHECK, written(tmp_path, name, content)) is None


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        ("", END, 1),
        (" \n", END, 2),
        ('{"a": 1', END, 1),
        ('{"a": "text', END, 1),
        ("[1,\n2,\n]", unexpected("]"), 3),
        ('{\n"a": 1\n"b": 2\n}', unexpected('"'), 3),
        ("{'a': 1}", unexpected("'"), 1),
        ('{"a" 1}', unexpected("1"), 1),
        ('{"a": 1,}', unexpected("}"), 1),
        ("{1: 2}", unexpected("1"), 1),
        ("[1 2]", unexpected("2"), 1),
        ("[1}", unexpected("}"), 1),
        ("[1]]", unexpected("]"), 1),
        ("[1]\n[2]", unexpected("["), 2),
        ("[NaN]", unexpected("NaN"), 1),
        ("-Infinity", unexpected("-Infinity"), 1),
        ("[01]", unexpected("01"), 1),
        ("[1.]", unexpected("1."), 1),
        ("[\nTrue]", unexpected("True"), 2),
        ('["\\x"]', unexpected("\\"), 1),
        ('["\\u12g4"]', unexpected("\\"), 1),
        ('["a\tb"]', unexpected("\\t"), 1),
        ("// comment\n{}", unexpected("/"), 1),
    ],
)
def test_what_is_not_json_is_refused_with_its_line(
    tmp_path: Path, content: str, reason: str, line: int
) -> None:
    assert refusal(CHECK, written(tmp_path, "a.json", content)) == (reason, line)


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        ('{"a": 1}\n{"a": 2} {"a": 3}\n', LINES, 2),
        ('{"a": 1}\n{"a":\n 2}\n', LINES, 2),
        ('{"a": 1}\n{"a": 2\n{"a": 3}\n', LINES, 2),
        ("1,2\n", LINES, 1),
        ('{"a": 1}\n{"a": x}\n', unexpected("x"), 2),
        ('{"a": 1}\n\n\n{"a": ', END, 4),
    ],
)
def test_each_line_is_one_value(tmp_path: Path, content: str, reason: str, line: int) -> None:
    assert refusal(CHECK, written(tmp_path, "a.jsonl", content)) == (reason, line)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    said, line = refusal(CHECK, written(tmp_path, "a.json", b'["a",\n"\xe9"]'))

    assert said.startswith("This is not valid UTF-8 text (byte 0xE9).")
    assert line == 2


def test_python_s_parser_gets_no_deeply_nested_text(tmp_path: Path) -> None:
    """It crashes in a browser, where the stack is small."""
    deepest = 0

    class Shallow(json_text.Reader):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            scan = self._scan

            def recorded(text: str, at: int) -> tuple[Any, int]:
                nonlocal deepest
                deepest = max(deepest, json_text.depth_limit(text))
                return scan(text, at)

            self._scan = recorded  # type: ignore[assignment] # a function in place of a parser

    for text in ("[" * 900 + "]" * 900, '{"a":[' * 30 + "]}" * 30, "[[1], [2]]"):
        file = written(tmp_path, "a.json", text)
        Shallow(file, iter([text]), has_lines=False).read()

    assert 2 <= deepest <= json_text.SHALLOW


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_does_not_crash(tmp_path: Path, name: str, start: str, end: str) -> None:
    deepest = json_text.MAX_DEPTH
    allowed = start * deepest + "1" + end * deepest
    too_deep = start * 200_000 + "1" + end * 200_000

    assert answer(CHECK, written(tmp_path, name, allowed)) is None
    assert refusal(CHECK, written(tmp_path, name, too_deep)) == (
        "The JSON is nested too deeply; the limit is 1000 levels. Export it with fewer levels.",
        1,
    )


NUMBER = 3 * json_text.FULL // 10
LARGE: dict[str, Callable[[], str]] = {
    "numbers": lambda: json.dumps({"v": [random.Random(1).random()] * (NUMBER // 2)}),
    "objects": lambda: json.dumps(
        [{"id": each, "s": "é\n"} for each in range(NUMBER // 5)], indent=1
    ),
    "keys": lambda: json.dumps({f"key {each}": each for each in range(2 * NUMBER // 5)}),
    "string": lambda: json.dumps(["é\\" * NUMBER]),
    "nested": lambda: json.dumps([[[{"a": ["x" * 5000] * 500}, []], {}]] * 2),
    "lines": lambda: "\n".join(json.dumps({"id": each}) for each in range(NUMBER // 2)),
}
"""JSON that is larger than the buffer."""


@pytest.mark.parametrize("kind", LARGE)
def test_large_files_are_read_in_blocks(tmp_path: Path, kind: str) -> None:
    ending = "jsonl" if kind == "lines" else "json"
    text = LARGE[kind]()
    assert len(text) > 2 * json_text.FULL
    cut = text.rstrip()[:-1]

    assert answer(CHECK, written(tmp_path, f"a.{ending}", text)) is None
    assert refusal(CHECK, written(tmp_path, f"b.{ending}", cut)) == (END, cut.count("\n") + 1)


def test_the_line_of_an_error_in_a_large_file(tmp_path: Path) -> None:
    lines = LARGE["objects"]().split("\n")
    lines[-100] = lines[-100].replace(":", "")

    _, line = refusal(CHECK, written(tmp_path, "a.json", "\n".join(lines)))

    assert line == len(lines) - 99


@pytest.mark.parametrize("kind", ["objects", "numbers", "string"])
def test_memory_does_not_depend_on_the_size(tmp_path: Path, kind: str) -> None:
    value = json.dumps({"name": "some text" * 20}) if kind == "objects" else "1.25"
    count = 3000 if kind == "objects" else 100_000
    path = tmp_path / "a.json"
    with path.open("w") as file:
        file.write('["' if kind == "string" else "[")
        for _ in range(30):
            file.write("long text " * 100_000 if kind == "string" else f"{value}, " * count)
        file.write('"]' if kind == "string" else f"{value}]")

    tracemalloc.start()
    answer(CHECK, CheckedFile(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert path.stat().st_size > 15_000_000
    assert peak < 14_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=70, deadline=None)
@given(value=JSON, position=st.integers(0, 200), character=st.sampled_from('{}[],:"\\1e.-tn \n'))
@example(value=[12], position=3, character=".")
@pytest.mark.parametrize("block", [1, 2, 7])
def test_the_verdict_is_that_of_python_wherever_a_block_ends(
    tmp_path_factory: pytest.TempPathFactory, value: Any, position: int, character: str, block: int
) -> None:
    text = json.dumps(value, ensure_ascii=False)
    changed = text[:position] + character + text[position:]
    for each in (text, changed):
        assert reads(each, block, tmp_path_factory) == python_reads(each), each


def reads(text: str, block: int, folders: pytest.TempPathFactory) -> bool:
    """Return whether a reader with small blocks and a small buffer accepts a text."""
    file = written(folders.getbasetemp(), "small.json", "")
    blocks = (text[at : at + block] for at in range(0, len(text), block))
    with suppress(Reject):
        json_text.Reader(file, blocks, has_lines=False, full=3).read()
        return True
    return False


def python_reads(text: str) -> bool:
    with suppress(ValueError):
        json.loads(text, parse_constant=json_text.not_json)
        return True
    return False
