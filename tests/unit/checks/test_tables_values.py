"""The formats of values, the declaration of a table, and the match of its columns."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest
from annotated_types import Ge
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    PastDate,
    RootModel,
    SecretStr,
    constr,
    create_model,
    field_validator,
)

from ossferry_checks.builtin.check_options import ColumnType
from ossferry_checks.tables import Table, formats, match, values

BARE, GERMAN, FRENCH, ENGLISH, SWISS, SPACED = formats("decimal")
ISO, DOTS, DAY_FIRST, MONTH_FIRST, YEAR_FIRST, *SHORT = formats("date")
EXCEL, NEW = "1930-2029", "2000-2099"


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("decimal", "1.234,56", {GERMAN: "1234.56"}),
        ("decimal", "-1.234.567", {GERMAN: "-1234567"}),
        ("decimal", "1234,5", {GERMAN: "1234.5", FRENCH: "1234.5"}),
        ("decimal", "1,234", {GERMAN: "1.234", FRENCH: "1.234", ENGLISH: "1234"}),
        ("decimal", "1,234.56", {ENGLISH: "1234.56"}),
        ("decimal", "1 234,56", {FRENCH: "1234.56"}),
        ("decimal", "1\u202f234\u202f567", {FRENCH: "1234567", SPACED: "1234567"}),
        ("decimal", "+1\u00a0234.5", {SPACED: "1234.5"}),
        ("decimal", "1'234.56", {SWISS: "1234.56"}),
        ("decimal", " 1\u2019234.56\u00a0", {SWISS: "1234.56"}),
        ("decimal", "€ 12,50", {f"{GERMAN} €": "12.50", f"{FRENCH} €": "12.50"}),
        ("decimal", "12,50\u00a0€", {f"{GERMAN} €": "12.50", f"{FRENCH} €": "12.50"}),
        ("decimal", "$1,234.00", {f"{ENGLISH} $": "1234.00"}),
        ("decimal", "-US$ 1,234.5", {f"{ENGLISH} US$": "-1234.5"}),
        ("decimal", "($1,234.5)", {f"{ENGLISH} $": "-1234.5"}),
        ("decimal", "CHF 1'234.5", {f"{SWISS} CHF": "1234.5"}),
        ("decimal", "1.234,5 EUR", {f"{GERMAN} EUR": "1234.5"}),
        (
            "decimal",
            "45,5 %",
            {f"{each} %": "45.5" for each in (GERMAN, FRENCH)}
            | {f"{each} % / 100": "0.455" for each in (GERMAN, FRENCH)},
        ),
        ("integer", "1,200%", {f"{ENGLISH} %": "1200", f"{ENGLISH} % / 100": "12"}),
        ("decimal", "1\u2009234,5", {FRENCH: "1234.5"}),
        ("decimal", "\u22121,5", {GERMAN: "-1.5", FRENCH: "-1.5"}),
        ("decimal", "1,5-", {GERMAN: "-1.5", FRENCH: "-1.5"}),
        ("decimal", "(1,5)", {GERMAN: "-1.5", FRENCH: "-1.5"}),
        ("decimal", "１２，５", {GERMAN: "12.5", FRENCH: "12.5"}),  # noqa: RUF001 - Japanese
        ("decimal", "\u0661\u066c\u0662\u0663\u0664\u066b\u0665", {GERMAN: "1234.5"}),
        *(("decimal", each, {}) for each in ("(5", "-5-", "€ 5 €", "€", "5 kg", "AB5,0", "5²,0")),
        ("decimal", "12.34,56", {}),
        ("decimal", "1,5,5", {}),
        ("integer", "1.234", {GERMAN: "1234"}),
        ("integer", "1.234,00", {GERMAN: "1234"}),
        ("integer", "1.234,50", {}),
        ("date", "31.1.2026", {DOTS: "2026-01-31"}),
        ("date", "3/4/2026", {DAY_FIRST: "2026-04-03", MONTH_FIRST: "2026-03-04"}),
        ("date", "31-01-2026", {DAY_FIRST: "2026-01-31"}),
        ("date", "1/31/2026", {MONTH_FIRST: "2026-01-31"}),
        ("date", "2026/1/31", {YEAR_FIRST: "2026-01-31"}),
        ("date", "2026-1-31", {ISO: "2026-01-31"}),
        ("date", "2026-01-31 00:00:00", {ISO: "2026-01-31"}),
        ("date", "2026-01-31 18:30", {}),
        ("date", "29.2.2026", {}),
        ("date", "31.01.26", {f"{DOTS} {each}": "2026-01-31" for each in (EXCEL, NEW)}),
        ("date", "1.2.85", {f"{DOTS} {EXCEL}": "1985-02-01", f"{DOTS} {NEW}": "2085-02-01"}),
        ("date", "2026年1月31日", {ISO: "2026-01-31"}),
        ("date", "31.01/2026", {}),
        ("date", "31.01.0000", {}),
        ("datetime", "31.01.2026 18:30", {DOTS: "2026-01-31T18:30:00"}),
        ("datetime", "31.01.2026, 9:05:07.5Z", {DOTS: "2026-01-31T09:05:07.5Z"}),
        ("datetime", "1/31/2026 12:05 am", {MONTH_FIRST: "2026-01-31T00:05:00"}),
        ("datetime", "1/31/2026 6:30PM", {MONTH_FIRST: "2026-01-31T18:30:00"}),
        ("datetime", "1/31/2026 16:30PM", {}),
        ("datetime", "31.01.2026 24:30", {}),
        ("datetime", "31.01.2026", {DOTS: "2026-01-31"}),
        ("boolean", "JA", {"ja/nein": "true"}),
        ("boolean", "no", {"yes/no": "false", "sí/no": "false", "si/no": "false"}),
        ("boolean", "Sí", {"sí/no": "true"}),
        ("boolean", "non", {"oui/non": "false"}),
        ("boolean", "否", {"是/否": "false"}),
        ("boolean", "はい", {"はい/いいえ": "true"}),
        ("boolean", "لا", {"نعم/لا": "false"}),
        ("boolean", "X", {"x/": "true"}),
        ("boolean", "", {"x/": "false"}),
        ("boolean", "maybe", {}),
        ("text", "anything", {}),
    ],
)
def test_the_formats_that_a_value_has(kind: ColumnType, value: str, fits: dict[str, str]) -> None:
    assert dict(values.fitting(kind, value)) == fits


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("integer", ["0", "-12", "+7", "007"], ["1.0", "1 2", "\u0661"]),
        ("decimal", ["-1.5", "1e-3", ".5"], ["1,5", "1.2.3", "NaN"]),
        ("date", ["2026-01-31", "2024-02-29"], ["2026-02-29", "31.01.2026", "2026-1-1"]),
        ("datetime", ["2026-01-31T18:30:00", "2026-01-31 18:30+08:00"], ["18:30"]),
        ("boolean", ["true", "false"], ["yes", "TRUE", "1"]),
    ],
)
def test_canonical_values_need_no_format(kind: ColumnType, good: list[str], bad: list[str]) -> None:
    fits = values.canonical(kind).fullmatch

    assert fits("\0".join([*good, "", *good]))
    assert not [each for each in bad if fits(each) or fits("\0".join([*good, each, *good]))]


@given(st.datetimes(datetime(1000, 1, 1)), st.sampled_from([DOTS, DAY_FIRST, MONTH_FIRST]))  # noqa: DTZ001
def test_every_time_is_read_in_every_order(at: datetime, name: str) -> None:
    order = {DOTS: "%d.%m.%Y", DAY_FIRST: "%d/%m/%Y", MONTH_FIRST: "%m/%d/%Y"}[name]
    text = at.strftime(f"{order} %H:%M:%S")

    read = values.converted("datetime", name, text)

    assert read == at.replace(microsecond=0).isoformat()


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


class Order(BaseModel):
    """Each way to declare a field."""

    id: str = Field(title="Order number", description="As on the invoice", pattern="^O")
    sku: str = Field(validation_alias=AliasChoices("SKU", AliasPath("x", 0), "article"))
    amount: Annotated[Decimal, Ge(0)] | None = None
    count: int = Field(alias="Count", gt=0, le=9)
    ratio: Annotated[float, Field(lt=1)] = 0.5
    paid: bool = False
    day: date
    at: datetime | None = None
    state: Literal["open", "closed"] = "open"
    size: Size | None = None
    price: Annotated[int, BeforeValidator(lambda value: str(value).strip("€"))] = 0
    weight: float = 0
    other: int | str = 0
    tags: Annotated[list[str], BeforeValidator(str.split)] = []
    born: PastDate | None = None

    @field_validator("weight", mode="before")
    @classmethod
    def _weight(cls, value: object) -> str:
        return str(value).strip("kg ")


def test_the_fields_come_from_the_model() -> None:
    table = Table.of(Order, aliases={"SKU": ["Artikelnr."]}, unique=["id"])

    found = {each.name: each for each in table.fields}
    assert [*found] == [
        *("id", "SKU", "amount", "Count", "ratio", "paid", "day", "at", "state", "size"),
        *("price", "weight", "other", "tags", "born"),
    ]
    assert [each.kind for each in table.fields] == [
        *("text", "text", "decimal", "integer", "decimal", "boolean", "date", "datetime"),
        *("text", "text", "text", "text", "text", "text", "date"),
    ]
    assert [each.name for each in table.fields if each.required] == ["id", "SKU", "Count", "day"]
    assert (found["id"].title, found["id"].description) == ("Order number", "As on the invoice")
    assert found["SKU"].aliases == ("sku", "article", "Artikelnr.")
    assert (found["state"].choices, found["size"].choices) == (("open", "closed"), ("S", "L"))
    limits = {name: dict(each.limits) for name, each in found.items() if each.limits}
    assert limits == {
        "id": {"pattern": "^O"},
        "amount": {"ge": "0"},
        "Count": {"gt": "0", "le": "9"},
        "ratio": {"lt": "1"},
    }


def test_a_model_that_accepts_its_own_names_keeps_them() -> None:
    class Sale(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        sku: str = Field(alias="SKU")

    table = Table.of(Sale)

    (field,) = table.fields
    assert (field.name, field.aliases) == ("sku", ("SKU",))
    assert [(each.name, each.problem) for each in table.errors([{}])] == [("sku", "missing")]


def test_the_fields_come_from_columns_and_types() -> None:
    table = Table.of(columns=["id", "day"], types={"day": "date", "n": "integer"})

    found = [(each.name, each.kind, each.required) for each in table.fields]
    assert found == [("id", "text", True), ("day", "date", True), ("n", "integer", False)]
    assert all(each.may_be_empty for each in table.fields)


def sale(kind: Any, **config: Any) -> Any:
    given: Any = config
    return create_model("Sale", __config__=given, amount=(kind, ...))


REST, OTHER = sale(Literal["rest"]), sale(Literal["other"])
UNKNOWN = '{}: the table has no column "amuont"; did you mean "amount"?'
NO_TEXT = "Sale.amount accepts no text of a cell ("


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "the table has no columns"),
        *(
            ({**given, each: {"amuont": "date"}}, UNKNOWN.format(each))
            for each in ("columns", "types", "aliases", "unique")
            for given in (
                {"model": sale(int)},
                *[{"columns": ["amount"]}] * (each in "aliases unique"),
            )
        ),
        *(({"model": each}, "is no pydantic model with fields") for each in (int, RootModel[int])),
        *(
            ({"model": sale(kind, strict=True)}, NO_TEXT)
            for kind in (int, bool, date, datetime, Decimal, Size, UUID)
        ),
        *(
            ({"model": sale(kind)}, NO_TEXT)
            for kind in (
                *(list[str], dict[str, int] | None, set[int], tuple[int, str], Sequence[str]),
                *(Annotated[int, Field(strict=True)], REST, REST | None, Literal[1, 2]),
                *(Enum("N", [("ONE", 1)]), Annotated[REST | OTHER, Field(discriminator="amount")]),
            )
        ),
        ({"model": create_model("A", x=(int, Field(validation_alias=AliasPath("y", 0))))}, "A.y"),
    ],
)
def test_a_table_that_no_file_can_have_is_an_error(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Table.of(**given)


@pytest.mark.parametrize(
    ("kind", "value", "config"),
    [
        *(
            (kind, "5", {})
            for kind in (
                int | None,
                NewType("N", int),
                int | list[int],
                IntEnum("N", [("FIVE", 5)]),
            )
        ),
        *((kind, "S", {}) for kind in (SecretStr, constr(max_length=1), Size, Any, bytes)),
        *((kind, "S", {"strict": True}) for kind in (str, Literal["S"])),
        *((kind, "5", {"extra": "forbid"}) for kind in (int, Decimal)),
        (Json[list[int]], "[5]", {}),
    ],
)
def test_a_type_that_reads_texts_may_be_in_a_table(kind: Any, value: str, config: Any) -> None:
    table = Table.of(sale(kind, **config))

    assert [*table.errors([{"amount": value}])] == []


def test_the_fingerprint_depends_on_each_rule() -> None:
    class Sale(BaseModel):
        n: int = Field(gt=0)

    class Stricter(BaseModel):
        n: int = Field(gt=1)

    tables = [
        Table.of(Sale),
        Table.of(Stricter),
        Table.of(Sale, unique=["n"]),
        Table.of(Sale, aliases={"n": ["N"]}),
        Table.of(types={"n": "integer"}),
    ]

    assert len({each.fingerprint for each in tables}) == len(tables)
    assert Table.of(Sale).fingerprint == tables[0].fingerprint


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["id", "SKU", "Count"], ["id", "SKU", "Count"]),
        ([" id ", "article", "x"], ["id", "SKU", None]),
        (["ORDER  number", "S-K-U", "çount"], ["id", "SKU", "Count"]),
        (["Order number", "id"], [None, "id"]),
        (["sku", "SKU", "sku"], [None, "SKU", None]),
        (["ID", "Id"], ["id", None]),
        (["", "?"], [None, None]),
    ],
)
def test_columns_are_matched_by_their_names(header: list[str], fields: list[str | None]) -> None:
    assert [each.field for each in match(Table.of(Order), header, [])] == fields


def test_a_column_has_three_samples() -> None:
    (first, second) = match(
        Table.of(columns=["a"]), ["a", "b"], [["1"], ["", "x"], ["2", ""], ["3"], ["4"]]
    )

    assert (first.samples, second.samples) == (("1", "2", "3"), ("x",))
