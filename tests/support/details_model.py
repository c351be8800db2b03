"""The model of what people say about a file, for tests with a page."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field


class Photo(BaseModel):
    title: str = Field(max_length=100, description="As it is printed below the photo")
    taken_on: date | None = Field(default=None, title="Taken on")
    copies: int = Field(default=1, ge=1, le=99)
    licence: Literal["CC BY", "CC0", "all rights reserved"]
    may_print: bool = Field(default=False, title="May be printed")
    keep: Literal["Standard", "IA"] | None = Field(
        default=None, title="Storage class", json_schema_extra={"stored_as": "storage_class"}
    )
