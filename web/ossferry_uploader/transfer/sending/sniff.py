"""Detect the content type of a file from its first bytes.

Browsers derive the type from the extension of the file name, which may be wrong or missing.

Source: WHATWG MIME Sniffing Standard, and the file formats' own specifications.
"""

HEAD_BYTES = 32

# Offset, bytes at the offset, and type. The bytes of each row identify one format.
EXACT = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP8", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypqt  ", "video/quicktime"),
    (8, b"WAVEfmt ", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"\x00asm", "application/wasm"),
)
# The bytes of each row are common to several formats: a .docx file is a ZIP, a .dng file a TIFF.
SHARED = (
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "application/ogg"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (8, b"AVI LIST", "video/x-msvideo"),
    (0, b"ID3", "audio/mpeg"),
)


def content_type_of(declared: str, head: bytes) -> str:
    """Return the content type of a file, found from its first bytes and the browser's declaration.

    Args:
        declared: the type that the browser derived from the file name's extension; may be empty.
        head: the first `HEAD_BYTES` bytes of the file, or all bytes of a shorter file.

    Returns:
        The type that the first bytes prove (table `EXACT`); if there is none, `declared`; if that
        is empty, the general type of the bytes' format (table `SHARED`), such as `application/zip`
        for a file that may also be a DOCX. Empty if there is none of the three.
    """
    return _match(EXACT, head) or declared or _match(SHARED, head)


def _match(table: "tuple[tuple[int, bytes, str], ...]", head: bytes) -> str:
    for offset, magic, content_type in table:
        if head[offset : offset + len(magic)] == magic:
            return content_type
    return ""
