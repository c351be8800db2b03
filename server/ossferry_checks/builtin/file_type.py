"""The built-in check that compares the content of a file with the extension of its name.

A file is refused only if both are known and contradict each other.
"""

from functools import partial
from pathlib import PurePosixPath

from ossferry_checks.builtin.content_kinds import ZIP_KINDS, content_kind
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

TEXT = frozenset(("text", "xml", "svg", "html", "rtf"))
MARKUP = frozenset(("text", "xml", "svg", "html"))
ENDINGS: dict[str, tuple[str, ...]] = {
    **{
        kind: (kind,)
        for kind in (
            *("pdf", "gif", "webp", "avif", "psd", "7z", "rar", "tar", "mp3", "wav", "flac"),
            *("avi", "parquet", "wasm", "epub", "rtf"),
        )
    },
    "png": ("png", "apng"),
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "heic": ("heic", "heif", "hif"),
    "bmp": ("bmp", "dib"),
    "tiff": ("tif", "tiff"),
    "gzip": ("gz", "tgz", "svgz"),
    "bzip2": ("bz2", "tbz2"),
    "xz": ("xz", "txz"),
    "zstd": ("zst",),
    "ogg": ("ogg", "oga", "ogv", "opus"),
    "matroska": ("mkv", "mka", "webm"),
    "sqlite": ("sqlite", "sqlite3"),
    "exe": ("exe", "dll"),
}
"""The endings of files of one kind."""

KINDS: dict[str, frozenset[str]] = {
    **{ending: frozenset((kind,)) for kind, endings in ENDINGS.items() for ending in endings},
    **dict.fromkeys(("mp4", "m4v", "m4a", "mov", "3gp"), frozenset(("mp4", "mov"))),
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), frozenset(("docx", "office_encrypted"))),
    **dict.fromkeys(
        ("xlsx", "xlsm", "xltx", "xltm", "xlsb"), frozenset(("xlsx", "office_encrypted"))
    ),
    **dict.fromkeys(("pptx", "pptm", "potx", "ppsx"), frozenset(("pptx", "office_encrypted"))),
    **dict.fromkeys(("doc", "dot"), frozenset(("ole", "rtf", "xml"))),
    **dict.fromkeys(("xls", "xlt"), frozenset(("ole", "xml"))),
    **dict.fromkeys(("ppt", "pps"), frozenset(("ole",))),
    **{kind: frozenset((kind, "zip")) for kind in ("odt", "ods", "odp")},
    "zip": ZIP_KINDS,
    **dict.fromkeys(("svg", "xml", "html", "htm", "xhtml"), MARKUP),
    **dict.fromkeys(("csv", "tsv", "txt", "md", "json", "jsonl", "ndjson", "geojson"), TEXT),
    **dict.fromkeys(("log", "yaml", "yml", "toml", "ini", "css", "py", "sql", "sh"), TEXT),
}
"""The kinds that a file with an ending may have."""


def file_type_check(*, converted: tuple[str, ...] = ()) -> Check:
    """Return the check that refuses a file whose content contradicts the extension of its name.

    Args:
        converted: extensions, such as `.jpg`, that a HEIC photo may have, because a later check
            converts the photo to JPEG.
    """
    function = partial(check_file_type, converted=converted)
    return Check(name="file_type", function=function, max_seconds=30)


def check_file_type(file: CheckedFile, *, converted: tuple[str, ...]) -> None:
    """Compare the content of a file with the extension of its name.

    A file with an unknown extension or unknown content is accepted.

    Args:
        file: the file to check.
        converted: extensions, such as `.jpg`, that a HEIC photo may have.

    Raises:
        Reject: the content contradicts the extension.
    """
    ending = PurePosixPath(file.name).suffix
    allowed = KINDS.get(ending.lower().removeprefix("."))
    if not allowed:
        return
    with file.path.open("rb") as source:
        kind = content_kind(source)
    if kind == "zero":
        kind = "binary" if allowed <= TEXT else ""
    if kind == "zip_broken" and allowed & ZIP_KINDS:
        return  # another check says that the file is damaged
    if kind == "heic" and file.name.lower().endswith(converted):
        return
    if kind and kind not in allowed:
        name = say(f"kind_{kind}", file.language)
        raise Reject(say("file_type", file.language, ending=ending, kind=name))
