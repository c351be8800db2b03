"""Checks run in their order; what they return or raise decides about the file."""

import asyncio
from pathlib import Path
from types import ModuleType

import pytest

from ossferry_checks import Ask, Check, CheckedFile, Note, Reject, Replace, check
from ossferry_checks.registry import checks_of
from ossferry_checks.runner import Question, Refusal, Verdict, run


@pytest.fixture
def file(tmp_path: Path) -> CheckedFile:
    path = tmp_path / "Sales.CSV"
    path.write_text("date,sku\n")
    return CheckedFile(path)


def made(function: object, *patterns: str) -> Check:
    """Return a function as a check."""
    return Check(name=function.__name__, function=function, patterns=patterns or ("*",))  # type: ignore[attr-defined, arg-type]


def verdict_of(file: CheckedFile, *functions: object, on_error: str = "reject") -> Verdict:
    """Run functions as checks of all files."""
    return asyncio.run(run([made(each) for each in functions], file, on_error=on_error))  # type: ignore[arg-type]


def test_a_check_that_returns_nothing_passes(file: CheckedFile) -> None:
    verdict = verdict_of(file, lambda file: None)

    assert verdict.refusal is None
    assert [each.outcome for each in verdict.ran] == ["passed"]
    assert (verdict.name, verdict.type, verdict.is_changed) == ("Sales.CSV", "text/csv", False)


@pytest.mark.parametrize("how", ["raised", "returned", "in a list"])
def test_a_rejection_ends_the_run(file: CheckedFile, how: str) -> None:
    def columns(file: CheckedFile) -> Reject | list[Reject | Note]:
        reject = Reject("A column is missing.", line=1)
        if how == "raised":
            raise reject
        return reject if how == "returned" else [Note(a="1"), reject]

    def later(file: CheckedFile) -> None:
        raise AssertionError("must not run")

    verdict = verdict_of(file, columns, later)

    assert verdict.refusal == Refusal("columns", "A column is missing.", 1)
    assert [(each.check, each.outcome) for each in verdict.ran] == [("columns", "rejected")]


def test_the_next_check_looks_at_the_new_file(file: CheckedFile, tmp_path: Path) -> None:
    new = tmp_path / "new.txt"
    new.write_text("abc")
    seen = []

    def change(file: CheckedFile) -> Replace:
        return Replace(new, name="Sales.txt", reason="Converted.")

    verdict = verdict_of(file, change, lambda file: seen.append((file.name, file.size, file.type)))

    assert seen == [("Sales.txt", 3, "text/plain")]
    assert (verdict.path, verdict.name, verdict.type) == (new, "Sales.txt", "text/plain")
    assert [(each.outcome, each.says) for each in verdict.ran] == [
        ("changed", "Converted."),
        ("passed", ""),
    ]


def test_a_new_file_with_the_same_name_keeps_its_type(file: CheckedFile, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")

    assert verdict_of(file, lambda file: Replace(tmp_path / "x")).type == "text/csv"


def test_notes_and_questions_are_collected(file: CheckedFile) -> None:
    verdict = verdict_of(
        file, lambda file: [Note(row_count="3"), Ask("Secret?", line=2)], lambda file: Note(x="1")
    )

    assert verdict.notes == {"row-count": "3", "x": "1"}
    assert verdict.questions == [Question("<lambda>", "Secret?", 2)]
    assert [each.outcome for each in verdict.ran] == ["asks", "noted"]


def test_an_asynchronous_check_is_awaited(file: CheckedFile) -> None:
    async def slow(file: CheckedFile) -> Note:
        await asyncio.sleep(0)
        return Note(a="b")

    assert verdict_of(file, slow).notes == {"a": "b"}


def broken(file: CheckedFile) -> None:
    """Fail with an error."""
    raise KeyError("price")


def ends(file: CheckedFile) -> None:
    """End the interpreter."""
    raise SystemExit(3)


def eats(file: CheckedFile) -> None:
    """Run out of memory."""
    raise MemoryError


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (broken, "KeyError: 'price' (test_runner.py, line "),
        (eats, "It needed more than 1 GB of memory."),
        (ends, "SystemExit: 3 (test_runner.py, line "),
        (
            lambda file: False,
            "TypeError: a check returns None, Ask, Details, Note, Replace, Reject or",
        ),
        (lambda file: Note(big="x" * 9000), "ValueError: 9014 bytes of metadata; a file may have"),
        (
            lambda file: "yes",
            "TypeError: a check returns None, Ask, Details, Note, Replace, Reject or",
        ),
        (lambda file: Replace(Path("/does/not/exist")), "FileNotFoundError: "),
        (lambda file: Replace(file.folder), "IsADirectoryError: "),
    ],
)
@pytest.mark.parametrize("on_error", ["reject", "allow"])
def test_a_check_that_does_not_work(
    file: CheckedFile, function: object, reason: str, on_error: str
) -> None:
    ran = []
    verdict = verdict_of(file, function, lambda file: ran.append(1), on_error=on_error)

    assert verdict.ran[0].outcome == "error"
    assert verdict.ran[0].says.startswith(reason)
    assert bool(verdict.refusal and verdict.refusal.is_error) == (on_error == "reject")
    assert bool(ran) == (on_error == "allow")


def test_a_check_that_has_failed_before_is_not_run(file: CheckedFile) -> None:
    verdict = asyncio.run(run([made(broken)], file, failed={"broken": "It took too long."}))

    assert verdict.refusal == Refusal("broken", "It took too long.", is_error=True)


def test_only_matching_checks_run_and_their_limits_are_known(file: CheckedFile) -> None:
    limits = []
    csv = Check(
        name="csv",
        function=lambda file: None,
        patterns=("*.CSV", "*.tsv"),
        max_seconds=5,
        seconds_per_mb=2e6,
    )
    verdict = asyncio.run(
        run(
            [csv, made(broken, "*.pdf")],
            file,
            on_start=lambda check, limit_s: limits.append((check.name, limit_s)),
        )
    )

    assert [each.check for each in verdict.ran] == ["csv"]
    assert limits == [("csv", 5 + 2 * file.size)]


def test_long_sentences_are_cut(file: CheckedFile) -> None:
    def talks(file: CheckedFile) -> None:
        raise Reject("x" * 2000)

    refusal = verdict_of(file, talks).refusal

    assert refusal is not None
    assert len(refusal.reason) == 500


def test_the_decorator_returns_the_function_and_marks_it() -> None:
    module = ModuleType("checks")

    @check("*.csv", max_seconds=30)
    def second(file: CheckedFile) -> None:
        pass

    @check()
    def first(file: CheckedFile) -> None:
        pass

    vars(module).update(second=second, first=first, other=3)

    assert [(each.name, each.patterns, each.max_seconds) for each in checks_of(module)] == [
        ("second", ("*.csv",), 30),
        ("first", ("*",), 60.0),
    ]
    assert checks_of(module)[0].function is second


def test_progress_is_a_share(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    shares: list[float] = []
    file = CheckedFile(tmp_path / "a.bin", on_progress=shares.append)

    file.progress(0.4)
    file.progress(7)

    assert shares == [0.4, 1.0]
    assert (file.name, file.size) == ("a.bin", 3)


def test_metadata_has_names_that_oss_allows() -> None:
    assert Note(row_count="3").metadata == {"row-count": "3"}
    with pytest.raises(ValueError, match="not 'größe'"):
        Note(größe="3")
    with pytest.raises(ValueError, match="written by the upload"):
        Note(sha256="3")


@pytest.mark.parametrize("name", ["client_side_encryption_key", "client-side-encryption-start"])
def test_t64_a_check_cannot_mark_an_object_as_encrypted(name: str) -> None:
    with pytest.raises(ValueError, match="written by the upload"):
        Note(**{name: "3"})


def test_the_original_is_kept_and_the_next_checks_look_at_it(
    file: CheckedFile, tmp_path: Path
) -> None:
    (tmp_path / "new").write_text("")
    seen = []

    def change(file: CheckedFile) -> Replace:
        return Replace(tmp_path / "new", name="new.txt")

    checks = [made(change), made(lambda file: seen.append(file.name))]
    verdict = asyncio.run(run(checks, file, keep_original=True))

    assert seen == ["Sales.CSV"]
    assert (verdict.name, verdict.is_changed) == ("Sales.CSV", False)
    assert [each.outcome for each in verdict.ran] == ["undone", "passed"]


def test_each_check_has_an_empty_folder_of_its_own(file: CheckedFile) -> None:
    def double(file: CheckedFile) -> Replace:
        assert list(file.folder.iterdir()) == []
        new = file.folder / file.name
        with file.path.open("rb") as source, new.open("wb") as target:
            target.write(source.read() * 2)
        return Replace(new)

    def double_again(file: CheckedFile) -> Replace:
        return double(file)

    verdict = verdict_of(file, double, double_again)

    assert [each.outcome for each in verdict.ran] == ["changed", "changed"]
    assert verdict.path.read_text() == "date,sku\n" * 4


class Whole(int):
    """A number that JSON does not know by its exact type, as those of NumPy."""


@pytest.mark.parametrize(
    "result",
    [Reject(ValueError("Broken."), line=Whole(3)), Ask(ValueError("Broken."), line=Whole(3))],  # type: ignore[arg-type]
)
def test_a_result_with_other_types_is_no_error(file: CheckedFile, result: Reject | Ask) -> None:
    def say(file: CheckedFile) -> Ask:
        if isinstance(result, Reject):
            raise result
        return result

    found = verdict_of(file, say, on_error="allow").as_json()

    says = found["refusal"] or found["questions"][0]
    assert (says.get("reason") or says["question"], says["line"]) == ("Broken.", 3)
    assert type(says["line"]) is int


def test_a_wrong_result_changes_nothing(file: CheckedFile, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    seen = []

    def change(file: CheckedFile) -> list[Replace | Ask | Note]:
        return [Replace(tmp_path / "new"), Ask("Sure?"), Note(a="y" * 4000), Note(b="y" * 4000)]

    verdict = verdict_of(file, change, lambda file: seen.append(file.path), on_error="allow")

    assert [each.outcome for each in verdict.ran] == ["error", "passed"]
    assert seen == [verdict.path] == [file.path]
    assert (verdict.is_changed, verdict.questions, verdict.notes) == (False, [], {})


def test_the_reason_of_a_change_that_was_undone_is_not_said(
    file: CheckedFile, tmp_path: Path
) -> None:
    (tmp_path / "new").write_text("new")

    def change(file: CheckedFile) -> list[Replace | Ask]:
        return [Replace(tmp_path / "new", reason="Shortened."), Ask("Sure?")]

    verdict = asyncio.run(run([made(change)], file, keep_original=True))

    assert [each.says for each in verdict.ran] == ["Sure?"]
