"""What people say about a file: the form in the grant, and what the server makes of metadata."""

from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import httpx
import pytest
from pydantic import BaseModel, Field, field_validator

from ossferry.errors import SettingsError
from ossferry.identity.object_keys import name_of, path_of
from ossferry.uploads.details import Details, load_details
from support.markdown import ROOT, blocks
from support.server_fakes import ALICE, OBJECTS, FakeStore, MakeClient, MakeSettings

KEY = f"{ALICE.prefix}2026-03-14/r/x.txt"
GUESTS = f"{ALICE.prefix}requests/{'0' * 32}/{'1' * 32}/2026-03-14/{'2' * 32}/x.txt"


class Light(Enum):
    DAY = "day"
    NIGHT = "night"


class Photo(BaseModel):
    title: str = Field(max_length=20, description="As on the print")
    taken_on: date | None = None
    copies: Annotated[int, Field(ge=1, lt=10)] = 1
    weight: float = Field(default=0.5, gt=0)
    light: Light | None = Field(default=None, title="Time of day")
    paper: Literal["matt", "glossy"]
    may_print: bool = False

    @field_validator("title")
    @classmethod
    def has_no_tabs(cls, title: str) -> str:
        if "\t" in title:
            raise ValueError("no tabs")
        return title


GOOD = {"field-title": "Dünen", "field-taken-on": "2026-03-14", "field-paper": "matt"}
VALUES = {
    "title": "Dünen",
    "taken_on": "2026-03-14",
    "copies": 1,
    "weight": 0.5,
    "light": None,
    "paper": "matt",
    "may_print": False,
}


@pytest.fixture
def site(make_client: MakeClient) -> httpx.Client:
    return make_client(details=Photo, **OBJECTS)


def report(site: httpx.Client, store: FakeStore, metadata: dict[str, str], key: str = KEY) -> Any:
    stored = store.put(key, size=9, crc64="7", metadata=metadata)
    body = {"key": key, "size": 9, "crc64": "7", "request_id": None}
    answer = site.post("/api/receipts", json=body).json()
    assert stored.key == answer["key"]
    return answer["details"], answer["details_errors"]


def test_the_grant_describes_the_fields(site: httpx.Client) -> None:
    fields = {each["name"]: each for each in site.post("/api/grant").json()["details"]}

    assert list(fields) == [*Photo.model_fields]
    assert fields["title"] == {
        "name": "title",
        "label": "Title",
        "help": "As on the print",
        "kind": "text",
        "required": True,
        "choices": [],
        "limits": {"max_length": 20},
        "default": "",
        "stored_as": "",
    }
    kinds = {name: (each["kind"], each["default"]) for name, each in fields.items()}
    assert kinds == {
        "title": ("text", ""),
        "taken_on": ("date", ""),
        "copies": ("integer", "1"),
        "weight": ("decimal", "0.5"),
        "light": ("choice", ""),
        "paper": ("choice", ""),
        "may_print": ("boolean", "false"),
    }
    assert fields["copies"]["limits"] == {"ge": 1, "lt": 10}
    assert (fields["light"]["label"], fields["light"]["choices"]) == (
        "Time of day",
        ["day", "night"],
    )


def test_receipts_and_lists_have_validated_details(site: httpx.Client, store: FakeStore) -> None:
    assert report(site, store, {**GOOD, "reference": "order-7"}) == (VALUES, [])

    for query in ("", "?sort=newest"):
        [listed] = site.get(f"/api/objects{query}").json()["objects"]
        assert (listed["name"], listed["details"]) == (name_of(KEY), VALUES)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"field-title": "x" * 21}, "title: String should have at most 20 characters"),
        ({"field-title": "\t"}, "title: Value error, no tabs"),
        ({"field-copies": "10"}, "copies: Input should be less than 10"),
        ({"field-light": "dawn"}, "light: Input should be 'day' or 'night'"),
        ({"field-weight": "nan"}, "weight: Input should be greater than 0"),
        ({"field-weight": "inf"}, "weight: a value that cannot be stored"),
        ({"field-title": "a\0b"}, "title: a value that cannot be stored"),
        ({"field-paper": ""}, "paper: Input should be 'matt' or 'glossy'"),
    ],
)
def test_t77_details_that_do_not_fit_the_model_are_no_details(
    site: httpx.Client, store: FakeStore, changes: dict[str, str], error: str
) -> None:
    assert report(site, store, {**GOOD, **changes}) == (None, [error])


def test_an_object_without_details_is_recorded(site: httpx.Client, store: FakeStore) -> None:
    errors = ["title: Field required", "paper: Field required"]
    assert report(site, store, {"name": "x.txt"}) == (None, errors)


def test_the_fields_are_not_those_of_guests(site: httpx.Client, store: FakeStore) -> None:
    assert report(site, store, GOOD, GUESTS) == (None, [])


def test_a_validator_that_breaks_costs_no_receipt(
    make_client: MakeClient, store: FakeStore
) -> None:
    class Broken(BaseModel):
        title: str = ""

        @field_validator("title")
        @classmethod
        def breaks(cls, title: str) -> str:
            return title[9]

    site = make_client(details=Broken, **OBJECTS)

    assert report(site, store, GOOD) == (None, ["The application's model did not work."])


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (list[str], "items"),
        (dict[str, int], "additionalProperties"),
        (Annotated[str, Field(pattern="^a")], "pattern"),
        (Annotated[int, Field(multiple_of=2)], "multipleOf"),
        (Literal[1, 2], "integer"),
        (int | str, "anyOf"),
        (bytes, "binary"),
        (Photo, "properties"),
        (Callable[[], int], "CallableSchema"),
    ],
)
def test_another_field_stops_the_start_by_its_name(kind: Any, why: str) -> None:
    model: Any = type("Other", (BaseModel,), {"__annotations__": {"good": str, "odd": kind}})

    with pytest.raises(SettingsError, match=rf"Other\.odd cannot be a field .*{why}") as refused:
        Details(model)
    assert "good" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "stored_as", "default"),
    [
        (Literal["IA", "Cold"], "storage_class", ...),
        (Literal["inline", "attachment"], "disposition", "inline"),
        (Literal["spring?"], "tag", ...),
        (str, "tag", ...),
        (Literal["spring"], "acl", ...),
    ],
)
def test_a_field_that_oss_cannot_store_so_stops_the_start(
    kind: Any, stored_as: str, default: Any
) -> None:
    field = Field(default=default, json_schema_extra={"stored_as": stored_as})
    kinds = {"__annotations__": {"odd": kind}, "odd": field}

    with pytest.raises(SettingsError, match=rf"odd cannot be a field .*stored_as='{stored_as}'"):
        Details(type("Other", (BaseModel,), kinds))


def test_tags_need_the_right_to_store_them(make_settings: MakeSettings) -> None:
    class Tagged(BaseModel):
        project: Literal["spring"] | None = Field(None, json_schema_extra={"stored_as": "tag"})

    actions = ["oss:PutObject", "oss:PutObjectTagging"]
    with pytest.raises(SettingsError, match="oss:PutObjectTagging"):
        load_details(make_settings(**OBJECTS), Tagged)

    details = load_details(make_settings(actions=actions, **OBJECTS), Tagged)
    assert details
    assert [each["stored_as"] for each in details.fields] == ["tag"]


@pytest.mark.parametrize(
    ("option", "argument", "why"),
    [
        ("support.nothing:Photo", None, "cannot be loaded"),
        ("support.markdown:Photo", None, "cannot be loaded"),
        ("support.markdown:ROOT", None, "must be a pydantic model"),
        ("support.markdown:Block", Photo, "take one away"),
    ],
)
def test_a_wrong_model_stops_the_start(
    make_settings: MakeSettings, option: str, argument: Any, why: str
) -> None:
    settings = make_settings(details=option, **OBJECTS)

    with pytest.raises(SettingsError, match=why):
        load_details(settings, argument)


def test_only_an_upload_with_the_same_details_is_identical(
    site: httpx.Client, store: FakeStore
) -> None:
    report(site, store, GOOD)
    file = {"path": path_of(KEY, ALICE.prefix), "size": 9, "crc64": "7"}

    def found(details: dict[str, str]) -> object:
        return site.post("/api/objects/identical", json={**file, "details": details}).json()["key"]

    assert (found(GOOD), found({}), found({**GOOD, "field-paper": "glossy"})) == (KEY, None, None)


def test_the_model_of_the_page_about_details_is_possible() -> None:
    [code] = [each.text for each in blocks(ROOT / "docs/details.md") if each.language == "python"]
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102 - our own page

    names = {each["name"]: each["kind"] for each in Details(found["Photo"]).fields}
    assert names == {"title": "text", "taken_on": "date", "place": "text", "licence": "choice"}
