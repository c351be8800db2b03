"""The words for a group of problems, and the decisions that mend it."""

from upload_page.view.words.text import say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Group = dict[str, Any]
    Field = dict[str, Any]
    Decision = dict[str, Any]

CHOICES = 8  # that a sentence names


def count_of(group: "Group") -> str:
    """Return the number of problems of a group, such as `312 values`."""
    is_of_rows = not group["field"] or group["problem"] == "duplicate"
    return say_count("panel_rows" if is_of_rows else "panel_values", group["count"])


def sentence_of(group: "Group", field: "Field | None") -> str:
    """Return a sentence about a group of problems.

    Args:
        field: the field of the group; None for problems of rows.
    """
    problem = group["problem"]
    if problem == "format":
        if not group["fixes"]:
            return say("panel_is_formats")
        return say("panel_is_format", format=format_name(group["formats"][0]))
    if group["reason"]:
        return str(group["reason"])
    choices = list((field or {}).get("choices", ()))
    more = ["…"] if len(choices) > CHOICES else []
    kind = (field or {}).get("kind", "text")
    return say(
        f"panel_is_{problem}",
        type="" if kind == "text" else say(f"type_{kind}"),
        choices=say("comma").join(choices[:CHOICES] + more),
    )


def format_name(name: str) -> str:
    """Return the name of a format in the language of the person: `day.month.year`."""
    for part in ("day", "month", "year"):
        name = name.replace(part, say(f"panel_{part}"))
    return name


def fix_name(fix: str, problem: str) -> str:
    """Return the text on the button of a fix."""
    if problem == "quote" and fix == "convert":
        return say("panel_keep_quote")
    if problem == "short" and fix == "empty":
        return say("panel_fill")
    return say(f"panel_{fix}")


def decision_of(
    group: "Group", fix: str, *, to: str = "", value: "str | None" = None
) -> "Decision":
    """Return the decision that mends the problems of a group.

    To convert all values, the format of the column is decided: values of the column that look right
    are then read in the same way, so that `1.234` beside `1,5` becomes `1234`.

    Args:
        fix: one of the group's fixes.
        to: the new value of the fix `replace`, or the format of the fix `convert`.
        value: the only wrong value to mend; None for all.
    """
    if fix == "convert" and group["examples"]:
        to = to or group["examples"][0][0]
        if value is None and group["problem"] == "format":
            return {"format": [group["field"], to]}
    made = {"field": group["field"], "problem": group["problem"], "fix": fix, "to": to}
    made["value"] = value
    return {"fix": made}
