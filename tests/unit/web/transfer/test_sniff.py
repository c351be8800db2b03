"""Detection of content types from a file's first bytes."""

import pytest

from ossferry_uploader.transfer.sending.sniff import content_type_of


@pytest.mark.parametrize(
    ("declared", "head", "expected"),
    [
        ("", b"", ""),
        ("", b"hello", ""),
        ("text/plain", b"hello", "text/plain"),
        ("text/plain", b"", "text/plain"),
        ("", b"%PDF-1.7\n", "application/pdf"),
        ("text/plain", b"%PDF-1.7\n", "application/pdf"),
        ("image/png", b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        ("", b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("", b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        ("", b"\x00\x00\x00\x18ftypheic", "image/heic"),
        ("", b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        ("audio/mp4", b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        ("", b"PK\x03\x04\x14", "application/zip"),
        (
            "application/vnd.oasis.opendocument.text",
            b"PK\x03\x04\x14",
            "application/vnd.oasis.opendocument.text",
        ),
        ("video/webm", b"\x1aE\xdf\xa3\x01", "video/webm"),
        ("", b"\x89PN", ""),
    ],
)
def test_bytes_prove_ending_tells_bytes_suggest(declared, head, expected):
    assert content_type_of(declared, head) == expected
