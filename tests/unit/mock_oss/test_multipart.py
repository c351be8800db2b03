"""The parts that CompleteMultipartUpload lists."""

import pytest

from mock_oss.operations.multipart import listed_parts
from support.refusals import refusal


@pytest.mark.parametrize("number", ["--1", "-", "", "x", "1.0", "²", "1" * 9])
def test_a_part_number_that_is_no_number_is_malformed(number: str) -> None:
    part = f"<Part><PartNumber>{number}</PartNumber><ETag>E</ETag></Part>"
    body = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()

    assert refusal(listed_parts, body, None)["Code"] == "MalformedXML"
