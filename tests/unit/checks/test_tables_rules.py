"""The rules of a pydantic model: what they refuse, their names, and their sentences."""

import io
import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    FutureDatetime,
    HttpUrl,
    PastDate,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ossferry_checks.builtin.check_options import TableOptions
from ossferry_checks.builtin.table import table_check
from ossferry_checks.sentences import LANGUAGES
from ossferry_checks.tables import Decisions, Scan, Table, clean, rules
from ossferry_checks.tables.session import Session
from support.checking import refusal, written

LOW, HIGH = 10, 100


class Row(BaseModel):
    id: int
    sku: str = "A"
    n: int = 0


class OneValidator(Row):
    @model_validator(mode="after")
    def _two_rules(self) -> Self:
        if self.sku == "x":
            raise ValueError(f"not below {LOW}")
        if self.n > HIGH:
            raise ValueError(f"not below {HIGH}")
        return self


class TwoValidators(Row):
    @model_validator(mode="after")
    def _is_sold(self) -> Self:
        if self.sku == "x":
            raise AssertionError
        return self

    @model_validator(mode="after")
    def _is_small(self) -> Self:
        if self.n > HIGH:
            raise AssertionError
        return self


def _two_rules(sku: str) -> str:
    if sku == "x":
        raise ValueError("not allowed")
    if sku == "y":
        raise ValueError("not allowed")
    return sku


def _two_errors(sku: str) -> str:
    if sku in "xy":
        raise PydanticCustomError("letter", "begins with x" if sku == "x" else "ends with y")
    return sku


class NotWorking(Row):
    @model_validator(mode="after")
    def _prices(self) -> Self:
        {"A": 1, "B": 2, "y": 3}[self.sku]
        10 // (HIGH + 1 - self.n)
        return self


def scanned(path: Path, model: type[Any], decisions: Decisions = Decisions()) -> Scan:  # noqa: B008
    scan = Scan(path, Table.of(model), decisions)
    assert [*scan.run()]
    return scan


@pytest.mark.parametrize(
    "model",
    [
        *(OneValidator, TwoValidators, NotWorking),
        create_model("OneField", sku=Annotated[str, AfterValidator(_two_rules)]),
        create_model("OneType", sku=Annotated[str, AfterValidator(_two_errors)]),
    ],
)
def test_a_fix_of_one_rule_leaves_the_rows_of_another_one(tmp_path: Path, model: type[Any]) -> None:
    path = written(tmp_path, "a.csv", "sku,n,id\nA,1,1\nx,2,2\ny,101,3\nx,4,4\nB,5,5\n").path
    scan = scanned(path, model)
    first, second = sorted(scan.groups, key=lambda group: -group.count)
    rows = [[each.row for each in scan.problems(group.id)] for group in (first, second)]
    assert rows == [[2, 4], [3]]

    fix = {"field": first.field, "problem": first.problem, "fix": "drop_rows"}
    scan.decide({"fix": fix})

    assert scan.groups == [second]
    out = io.BytesIO()
    result = clean(path, model, Decisions.from_json(scan.decisions.as_json()), into=out)
    assert (result.dropped, b"x" in out.getvalue()) == (2, False)
    assert result.left == (second,)


@pytest.mark.parametrize(
    ("field", "rows", "problem"),
    [
        ("", "1,A-7,1,2026-01-02\n2,Bo,22,\n", "_is_known:2 … of … has …, not …"),
        ("sku", "1,a,1,\n2,b,1,\n", "_is_sold:4 … is not sold"),
    ],
)
def test_values_in_the_message_of_a_rule_make_no_other_rule(
    tmp_path: Path, field: str, rows: str, problem: str
) -> None:
    class Order(Row):
        day: date = date(2026, 1, 1)

        @model_validator(mode="after")
        def _is_known(self) -> Self:
            raise ValueError(f"{self.sku} of {self.day} has {self.n + 1}, not {float(self.n)}")

        @field_validator("sku")
        @classmethod
        def _is_sold(cls, sku: str) -> str:
            if sku.islower():
                raise ValueError(f"{sku} is not sold")
            return sku

    path = written(tmp_path, "a.csv", f"id,sku,n,day\n{rows}").path

    (group,) = scanned(path, Order).groups

    assert (group.field, group.problem, group.count) == (field, problem, 2)


def test_a_validator_that_does_not_work_is_a_problem_of_its_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = written(tmp_path, "a.csv", "id,sku,n\n1,A,1\n2,x,2\n3,A,101\n4,,x\n5,C,5\n")
    session = Session(file.path, Table.of(NotWorking), folder=tmp_path, write=len, language="en")

    rules._report.cache_clear()
    session.call("open", "null", print)
    state = json.loads(session.call("scan", '["id", "sku", "n"]', print))
    reason, line = refusal(table_check(TableOptions(model="NotWorking"), NotWorking), file)

    start = NotWorking._prices.__code__.co_firstlineno
    key, zero, _ = state["groups"]
    assert (key["problem"], key["count"]) == ("KeyError:_prices:2", 2)
    assert (zero["problem"], zero["count"]) == ("ZeroDivisionError:_prices:3", 1)
    assert f"(KeyError, {Path(__file__).name}, line {start + 2})" in key["reason"]
    assert (key["reason"].removesuffix(".") in reason, line) == (True, 3)
    assert [each.name for each in caplog.records] == ["ossferry_checks.tables.rules"] * 2


class Colour(Enum):
    RED = "red"


def _email(value: str) -> str:
    """Raise what pydantic's `EmailStr` raises; it needs another package."""
    said = "value is not a valid email address: {reason}"
    raise PydanticCustomError("value_error", said, {"reason": f"{value} has no @-sign."})


def free(kind: object) -> object:
    """Return a type whose values only pydantic reads."""
    return Annotated[kind, BeforeValidator(str)]


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (str, "", "A value is required."),
        (Annotated[str, Field(min_length=3)], "ab", "too short; the minimum length is 3."),
        (Annotated[str, Field(max_length=1)], "ab", "too long; the maximum length is 1."),
        (Annotated[str, Field(pattern="^[A-Z]$")], "a", "have the required form “^[A-Z]$”."),
        (Annotated[int, Field(gt=5)], "5", "The value must be greater than 5."),
        (Annotated[int, Field(ge=5)], "4", "The value must be at least 5."),
        (Annotated[Decimal, Field(lt=5)], "5", "The value must be less than 5."),
        (Annotated[date, Field(le=date(2026, 1, 1))], "2026-01-02", "at most 2026-01-01."),
        (Annotated[int, Field(multiple_of=5)], "4", "The value must be a multiple of 5."),
        (Literal["a", "b"], "c", "This is none of the allowed values: a, b."),
        (Colour, "blue", "This is none of the allowed values: red."),
        (Annotated[Decimal, Field(decimal_places=2)], "1.234", "decimal places; the maximum is 2."),
        (Annotated[Decimal, Field(max_digits=2)], "123", "many digits; the maximum is 2."),
        (
            Annotated[Decimal, Field(max_digits=3, decimal_places=2)],
            "12",
            "digits before the decimal point; the maximum is 1.",
        ),
        (PastDate, "2999-01-01", "The date must be in the past."),
        (FutureDatetime, "2000-01-01T00:00:00", "The date must be in the future."),
        (HttpUrl, "x", "This is not a web address such as https://example.com."),
        (HttpUrl, "ftp://x.org", "The web address must begin with 'http' / 'https'."),
        (UUID, "x", "This is not a UUID such as 123e4567-e89b-12d3-a456-426614174000."),
        (Annotated[str, AfterValidator(_email)], "x", "This is not an e-mail address."),
        (free(int), "x", "This is not a whole number."),
        (free(int), "1.5", "This is not a whole number."),
        (int | date, "x", "This is not a whole number."),
        (free(date), "x", "This is not a date such as 2026-01-31."),
        (free(date), "2026-01-31T18:30:00", "This is not a date such as 2026-01-31."),
        (free(datetime), "x", "This is not a date with a time such as 2026-01-31T18:30:00."),
        (free(bool), "x", "This is not true or false."),
        (free(float), "x", "This is not a number."),
        (free(Decimal), "NaN", "This is not a number."),
        (IPv4Address, "x", "Input is not a valid IPv4 address"),
    ],
)
def test_an_error_of_pydantic_has_a_plain_sentence_in_each_language(
    tmp_path: Path, kind: Any, value: str, said: str
) -> None:
    model = create_model("Sale", n=(kind, ...), m=(str, ""))
    path = written(tmp_path, "a.csv", f"n,m\n{value},x\n").path

    reasons = []
    for language in LANGUAGES:
        scan = Scan(path, Table.of(model), language=language)
        assert [*scan.run()]
        (group,) = scan.groups
        reasons += [each.reason for each in scan.problems(group.id)]

    assert len(reasons) == len(LANGUAGES)
    assert reasons[0].endswith(said)
    assert len({*reasons}) == (1 if kind is IPv4Address else len(LANGUAGES))
