"""The options of a site that embeds the page: how files are stored, and which are accepted."""

from ossferry_uploader.transfer.errors import BadOptions
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, REPLACE, Options
from ossferry_uploader.transfer.plan import MAX_FILES, MAX_OBJECT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESULTS = "results"
PROPERTY = "getToken"  # the property of the element that `by_token` stands for
FREE = ("by_token", "lang", "theme", "tokens")  # every site that may embed the page may set these
ACCEPTED = ("accept", "crop-ratio", "manual", "max-file-size", "max-files", "max-total-size") + (
    "min-file-size",
    "min-files",
)
STORED = ("folder", "metadata", "reference", "same-name", "sha256", "storage-class", "tags")
NAMES = ACCEPTED + STORED  # these need the level `results`
SAME_NAME = {"": KEEP_BOTH, "keep-both": KEEP_BOTH, "refuse": REFUSE, "replace": REPLACE}


class EmbeddingOptions:
    """The options of the site that embeds this page.

    Args:
        given: the options by name, as the site gave them (see `FREE` and `NAMES`).
        languages: the codes of the page's languages.

    Attributes:
        options: the `Options` of the uploads, such as folder, metadata and storage class.
        limits: the limits of the site, which apply in addition to the limits of the grant.
        crop_ratio: the width of a cropped picture divided by its height; 0 if the person chooses.
        asks: whether to ask the person about files with the same name.
        holds: whether uploads wait until the site or the person starts them.
        language: the code of the language; empty if the site does not set it.
        theme: `light` or `dark`; empty if the site does not set it.
        by_token: whether the site identifies the person with a token.

    Raises:
        ValueError: an option is not valid.
    """

    def __init__(self, given: "dict[str, Any]", languages: "list[str]") -> None:
        metadata = given.get("metadata")
        if "reference" in given:
            metadata = _with_reference(metadata or {}, given["reference"])
        same_name = _one_of(given, "same-name", sorted(SAME_NAME))
        self.options = Options(
            same_name=SAME_NAME[same_name],
            folder=given.get("folder") or "",
            metadata=metadata,
            tags=given.get("tags"),
            storage_class=given.get("storage-class") or "",
            sha256=bool(given.get("sha256")),
        )
        self.limits = Limits(
            max_file_size=_count(given, "max-file-size", MAX_OBJECT_BYTES),
            max_files=MAX_FILES,
            max_total=_count(given, "max-files", None),
            max_total_size=_count(given, "max-total-size", None),
            min_file_size=_count(given, "min-file-size", 0),
            min_files=_count(given, "min-files", 0),
            types=[_type(value) for value in given.get("accept") or []],
        )
        self.crop_ratio = _ratio(given.get("crop-ratio") or "")
        self.asks = not same_name
        self.holds = bool(given.get("manual"))
        self.language = _one_of(given, "lang", languages)
        self.theme = _one_of(given, "theme", ["light", "dark"])
        self.by_token = bool(given.get("by_token"))


def read_options(
    given: "dict[str, Any]", level: str, languages: "list[str]", *, may_tag: bool = True
) -> EmbeddingOptions:
    """Check the options that the embedding site gave, and return them.

    Args:
        given: the options by name (see `FREE` and `NAMES`). If the script in the embedding page has
            found an error, the option `invalid` contains the text of the error.
        level: the level of the site: `counts`, `results` or `none`. `by_token` and the options in
            `NAMES` need `results`.
        languages: the codes of the page's languages.
        may_tag: whether the credentials of the grant allow object tags.

    Raises:
        BadOptions: an option is unknown or not valid, or the site may not set it.
    """
    if "invalid" in given:
        raise BadOptions(str(given["invalid"]))
    needs_results = [PROPERTY] if given.get("by_token") else []
    for name in given:
        if name not in FREE and name not in NAMES:
            raise BadOptions(f"there is no option {name}")
        if name in NAMES:
            needs_results.append(name)
    if needs_results and level != RESULTS:
        raise BadOptions(
            f"{needs_results[0]}: this site does not have the level {RESULTS} in"
            " OSSFERRY_FRAME_ORIGINS"
        )
    if given.get("tags") and not may_tag:
        raise BadOptions("tags: OSSFERRY_ACTIONS of the server lacks oss:PutObjectTagging")
    try:
        return EmbeddingOptions(given, languages)
    except ValueError as error:
        raise BadOptions(str(error).replace("storage_class", "storage-class"))


def _one_of(given: "dict[str, Any]", name: str, allowed: "list[str]") -> str:
    value = given.get(name) or ""
    if value and value not in allowed:
        names = ", ".join([choice for choice in allowed if choice])
        raise ValueError(f"{name} is one of {names}, not {value!r}")
    return str(value)


def _type(value: "Any") -> str:
    text = str(value).lower()
    kind, slash, name = text.partition("/")
    is_type = kind and name if slash else text[:1] == "." and text != "."
    if not is_type or any(char in text for char in ";, "):
        raise ValueError(f"accept has types such as image/*, text/csv or .csv, not {value!r}")
    return text


def _ratio(value: "Any") -> float:
    wide, colon, high = str(value).partition(":")
    if not value:
        return 0.0
    if not (colon and wide.isdigit() and high.isdigit() and int(wide) and int(high)):
        raise ValueError(f"crop-ratio is a ratio such as 4:3, not {value!r}")
    return int(wide) / int(high)


def _with_reference(metadata: "Any", reference: "Any") -> "dict[str, str]":
    if not isinstance(metadata, dict):
        raise ValueError(f"metadata: a dict is wanted, not {metadata!r}")
    return dict(metadata, reference=reference)


def _count(given: "dict[str, Any]", name: str, default: "Any") -> "Any":
    value = given.get(name, default)
    if value is not default and (not isinstance(value, int) or value < 1):
        raise ValueError(f"{name} is a number from 1, not {value!r}")
    return value
