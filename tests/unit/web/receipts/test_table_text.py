"""The first rows of a table in text."""

import pytest

from upload_page.receipts.table_text import MOST_CELLS, table_rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a;b\r\n1,5;2\r\n", [["a", "b"], ["1,5", "2"]]),
        ("a\tb\n1\t", [["a", "b"], ["1", ""]]),
        ('"a, b",c\n"x ""y""\nz",\n', [["a, b", "c"], ['x "y"\nz', ""]]),
        ('5" pipe,a"b\n"",""\n', [['5" pipe', 'a"b'], ["", ""]]),
        ("\n\na", [[""], [""], ["a"]]),
        ("", []),
        ('"', [['"']]),
    ],
)
def test_rows_and_cells_are_found(text, rows):
    assert table_rows(text, is_cut=False) == (rows, len(text))


@pytest.mark.parametrize(("text", "end"), [("a,b\n1,2\n3,", 8), ("a,b", 3)])
def test_a_row_that_is_cut_is_left_out_unless_it_is_the_only_one(text, end):
    assert table_rows(text, is_cut=True)[1] == end


def test_a_table_with_very_many_cells_ends_early():
    rows, end = table_rows((",\n" * MOST_CELLS), is_cut=False)

    assert (len(rows), end) == (MOST_CELLS // 2, MOST_CELLS)
