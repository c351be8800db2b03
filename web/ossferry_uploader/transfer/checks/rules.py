"""The rules of the server that tell which files have to be checked before their upload."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Rules:
    """Tells which files have to be checked before their upload, by patterns for their names.

    Attributes:
        patterns: patterns for file names, such as `*.csv`.
        version: the hash of the operator's checks; empty if there are only built-in checks.
        undo_s: how many seconds an upload waits after a check has changed its file, so that a
            person can choose the original file.
        built_in: the names of the checks that are built into ossferry.
        keeps_changes: whether the list of changes of a repaired table is stored too.
    """

    def __init__(
        self,
        patterns: "list[str]",
        *,
        version: str = "",
        undo_s: float = 0.0,
        built_in: "list[str] | None" = None,
        keeps_changes: bool = False,
    ) -> None:
        self.patterns = patterns
        self.built_in = built_in or []
        self.keeps_changes = keeps_changes
        self.version = version
        self.undo_s = undo_s

    def match(self, name: str) -> bool:
        """Return whether a file with this name has to be checked."""
        return any(matches(name, pattern) for pattern in self.patterns)


def matches(name: str, pattern: str) -> bool:
    """Return whether a file name matches a pattern, in which `*` and `?` are wildcards.

    Upper and lower case are treated as equal. For a pattern with `[` or a non-ASCII letter, the
    result is always true, because MicroPython cannot match such patterns; the worker that runs the
    checks matches them later.
    """
    if "[" in pattern or [char for char in pattern if char > "~"]:
        return True
    name, pattern = name.lower(), pattern.lower()
    at = index = 0
    star, resumed = -1, 0
    while at < len(name):
        char = pattern[index] if index < len(pattern) else ""
        if char == "*":
            star, resumed = index, at
            index += 1
        elif char and char in ("?", name[at]):
            at += 1
            index += 1
        elif star >= 0:
            resumed += 1
            at, index = resumed, star + 1
        else:
            return False
    return not pattern[index:].strip("*")


def read_rules(document: "dict[str, Any]") -> Rules:
    """Return the rules in the server's response to `GET /api/checks`.

    Raises:
        KeyError, TypeError, ValueError: the response is malformed.
    """
    patterns: list[str] = []
    for check in document["checks"]:
        for pattern in check["patterns"]:
            if pattern not in patterns:
                patterns.append(str(pattern))
    table = document["built_in"].get("table") or {}
    return Rules(
        patterns,
        version=str(document["version"]),
        undo_s=float(document["undo_s"]),
        built_in=[str(check["name"]) for check in document["checks"] if check["built_in"]],
        keeps_changes=bool(table.get("keep_changes")),
    )


NO_RULES = Rules([])
