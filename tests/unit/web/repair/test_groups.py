"""The words for groups of problems, and the decisions that mend them."""

from support.english import speak_english
from upload_page.repair.groups import count_of, decision_of, fix_name, format_name, sentence_of
from upload_page.view.words.text import use_more

WORDS = {
    "panel_rows": {"one": "{count} row", "other": "{count} rows"},
    "panel_values": {"one": "{count} value", "other": "{count} values"},
    "panel_is_format": "Written as {format}",
    "panel_is_formats": "How?",
    "panel_is_kind": "Not {type}",
    "panel_is_choice": "None of {choices}",
    "panel_fill": "Fill",
    "panel_keep_quote": "Keep",
    "panel_empty": "Empty",
    "panel_day": "Tag",
    "panel_month": "Monat",
    "panel_year": "Jahr",
    "type_date": "a date",
}


def group(**facts):
    made = {"field": "date", "problem": "kind", "count": 312, "fixes": ["replace"]}
    made.update({"formats": [], "examples": [], "reason": ""}, **facts)
    return made


def test_a_group_has_a_number_and_a_sentence():
    speak_english()
    use_more({"en": WORDS})
    written = group(problem="format", fixes=["convert"], formats=["day.month.year"])
    choices = {"kind": "text", "choices": [str(number) for number in range(10)]}

    assert count_of(group()) == "312 values"
    assert count_of(group(field="", count=1)) == "1 row"
    assert count_of(group(problem="duplicate")) == "312 rows"
    assert sentence_of(written, {"kind": "date"}) == "Written as Tag.Monat.Jahr"
    assert sentence_of(group(problem="format", fixes=[]), {"kind": "date"}) == "How?"
    assert sentence_of(group(), {"kind": "date"}) == "Not a date"
    assert sentence_of(group(problem="choice"), choices) == "None of 0, 1, 2, 3, 4, 5, 6, 7, …"
    assert sentence_of(group(problem="greater_than", reason="Too small"), None) == "Too small"


def test_names_of_formats_and_fixes_depend_on_the_problem():
    speak_english()
    use_more({"en": WORDS})

    assert format_name("1.234,56") == "1.234,56"
    assert format_name("year/month/day") == "Jahr/Monat/Tag"
    assert fix_name("empty", "kind") == "Empty"
    assert fix_name("empty", "short") == "Fill"
    assert fix_name("convert", "quote") == "Keep"


def test_to_convert_all_values_decides_the_format_of_the_column():
    examples = [["day.month.year", [["1.2.2026", "2026-02-01"]]]]
    written = group(problem="format", fixes=["convert"], examples=examples)
    one = {"field": "date", "problem": "format", "fix": "convert"}

    assert decision_of(written, "convert") == {"format": ["date", "day.month.year"]}
    assert decision_of(written, "convert", to="x") == {"format": ["date", "x"]}
    assert decision_of(written, "convert", value="1.2.2026") == {
        "fix": dict(one, to="day.month.year", value="1.2.2026")
    }


def test_other_fixes_are_rules():
    rule = {"field": "date", "problem": "kind", "fix": "replace", "to": "x", "value": None}

    assert decision_of(group(), "replace", to="x") == {"fix": rule}
    assert decision_of(group(), "empty", value="n/a") == {
        "fix": dict(rule, fix="empty", to="", value="n/a")
    }
