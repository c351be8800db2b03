"""Request bodies are checked by models, and the OpenAPI document shows the same models."""

from typing import Any, cast

import pytest

from ossferry.errors import BadRequestError
from ossferry.http.body import Body, parsed
from ossferry.openapi import openapi_document, types_of
from ossferry.routes import DESCRIBED
from ossferry.sharing.links import Wish
from ossferry.uploads.receipts import Report

REPORT = {"key": "a", "size": 5, "crc64": "7"}
WISH = {"key": "a", "expires_s": 60}
TYPES = types_of(DESCRIBED)
SHOWN = openapi_document(DESCRIBED)["components"]["schemas"]


def references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for each in schema for name in references(each)}
    if not isinstance(schema, dict):
        return set()
    found = {name for each in schema.values() for name in references(each)}
    return found | ({schema["$ref"]} if isinstance(schema.get("$ref"), str) else set())


def test_a_whole_number_may_have_a_fraction_of_zero() -> None:
    report = parsed({**REPORT, "size": 5.0}, Report)

    assert (report.size, type(report.size)) == (5, int)


@pytest.mark.parametrize("size", [-1, 48_800_000_000_001, "5", 5.5, True, None])
def test_a_malformed_field_is_named_with_what_it_must_be(size: object) -> None:
    with pytest.raises(BadRequestError, match=r"^size must be a number of bytes\.$"):
        parsed({**REPORT, "size": size}, Report)


def test_a_missing_field_is_named_too() -> None:
    with pytest.raises(BadRequestError, match=r"^size must be a number of bytes\.$"):
        parsed({"key": "a", "crc64": "7"}, Report)


@pytest.mark.parametrize(
    "process",
    [
        {},
        {"rotate": 90},
        {"resize": None},
        {"resize": 5},
        {"resize": {}},
        {"resize": {"width": 0}},
        {"resize": {"width": 4097}},
        {"resize": {"width": 5.5}},
        {"resize": {"width": 5, "depth": 5}},
        {"watermark": ""},
        {"watermark": "é" * 33},
        {"watermark": "a\nb"},
        {"watermark": "\ud800"},
        {"format": "heic"},
        {"format": ["png"]},
        "image/resize,w_1",
    ],
    ids=ascii,
)
def test_image_processing_is_checked_in_depth(process: object) -> None:
    with pytest.raises(BadRequestError, match=r"^process must be null, or an object with resize"):
        parsed({**WISH, "process": process}, Wish)


def test_a_watermark_of_64_bytes_is_taken() -> None:
    wish = parsed({**WISH, "process": {"watermark": "é" * 32}}, Wish)

    assert wish.process == {"watermark": "é" * 32}


def is_body(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Body)


def test_every_field_of_a_body_says_what_it_must_be() -> None:
    models = [cast("type[Body]", each) for each in TYPES.values() if is_body(each)]

    assert len(models) > 10
    assert [
        (model.__name__, name)
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ] == []


def test_every_type_is_shown_under_its_name_and_every_reference_leads_to_one() -> None:
    document = openapi_document(DESCRIBED)

    assert set(TYPES) <= set(SHOWN)
    assert {each.rpartition("/")[2] for each in references(document)} <= set(SHOWN)
    assert references(document) >= {f"#/components/schemas/{name}" for name in TYPES}


def test_the_limits_of_a_number_are_shown() -> None:
    assert SHOWN["Report"]["properties"]["size"] == {
        "description": "a number of bytes",
        "maximum": 48_800_000_000_000,
        "minimum": 0,
        "type": "integer",
    }
