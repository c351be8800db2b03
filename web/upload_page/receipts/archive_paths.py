"""The paths of stored files in a ZIP archive."""

FORBIDDEN = '<>:"|?*\\'  # in names on Windows


def archive_paths(paths: "list[str]") -> "list[str]":
    """Return paths for the same files that are safe to unpack, and differ on every system.

    A path stays inside the folder in which it is unpacked. Two paths differ by more than upper and
    lower case; the second `a/b.txt` becomes `a/b (2).txt`.

    Args:
        paths: folders and name of each file, such as `Gus/a/b.txt`.
    """
    used: set[str] = set()
    made = []
    for path in paths:
        safe = "/".join([_safe(part) for part in path.split("/") if part]) or "_"
        stem, dot, ending = safe.rpartition(".")
        if not dot or "/" in ending:
            stem, ending = safe, ""
        number, unique = 1, safe
        while unique.lower() in used:
            number += 1
            unique = f"{stem} ({number}){dot if ending else ''}{ending}"
        used.add(unique.lower())
        made.append(unique)
    return made


def _safe(name: str) -> str:
    kept = "".join(["_" if char < " " or char in FORBIDDEN else char for char in name])
    return kept.rstrip(". ") or "_"
