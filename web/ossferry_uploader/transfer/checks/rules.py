"""Which files have to be checked before their upload."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Rules:
    """The files that have to be checked.

    Attributes:
        patterns: patterns for names, such as `*.csv`.
        version: the hash of the operator's checks; empty if there are only built-in checks.
        undo_s: how many seconds a changed file waits, so that a person can choose the original.
        built_in: the names of the built-in checks.
    """

    def __init__(
        self,
        patterns: "list[str]",
        *,
        version: str = "",
        undo_s: float = 0.0,
        built_in: "list[str] | None" = None,
    ) -> None:
        self.patterns = patterns
        self.built_in = built_in or []
        self.version = version
        self.undo_s = undo_s

    def match(self, name: str) -> bool:
        """Return whether a file with this name has to be checked."""
        return any(matches(name, pattern) for pattern in self.patterns)


def matches(name: str, pattern: str) -> bool:
    """Return whether a name fits a pattern, in which `*` and `?` stand for other characters.

    Capital letters make no difference. A pattern with `[`, or with a letter whose capital form
    MicroPython does not know, fits every name: the worker decides.
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
    """Return the rules in the answer of `GET /api/checks`.

    Raises:
        KeyError, TypeError, ValueError: the answer has another form.
    """
    patterns: list[str] = []
    for check in document["checks"]:
        for pattern in check["patterns"]:
            if pattern not in patterns:
                patterns.append(str(pattern))
    return Rules(
        patterns,
        version=str(document["version"]),
        undo_s=float(document["undo_s"]),
        built_in=[str(check["name"]) for check in document["checks"] if check["built_in"]],
    )


NO_RULES = Rules([])
