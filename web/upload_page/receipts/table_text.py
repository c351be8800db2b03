"""The first rows of a table in text, CSV or TSV, for a preview."""

MOST_CELLS = 5000
DELIMITERS = "\t;|,"


def table_rows(text: str, *, is_cut: bool) -> "tuple[list[list[str]], int]":
    """Return the rows of a table, each a list of cells, and how many characters they take.

    The delimiter is the tab, `;`, `|` or `,` that the first line has most often. A cell in quotes
    can have delimiters, line breaks, and quotes that are doubled. After `MOST_CELLS` cells, the
    other rows are left out.

    Args:
        is_cut: whether the table goes on after the text; the last row is then left out, unless it
            is the only one.
    """
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=lambda each: first.count(each))
    rows: list[list[str]] = []
    row: list[str] = []
    cell: list[str] = []
    is_quoted, cells, end = False, 0, 0
    for index, char in enumerate(text):
        if char == '"' and (is_quoted or not cell or cell[0] == cell[-1] == '"'):
            is_quoted = not is_quoted
            cell.append(char)
        elif is_quoted or char not in (delimiter, "\n"):
            cell.append(char)
        else:
            row.append(_plain("".join(cell)))
            cell = []
            if char == "\n":
                rows.append(row)
                cells, row, end = cells + len(row), [], index + 1
                if cells >= MOST_CELLS:
                    return rows, end
    if (row or cell) and not (is_cut and rows):
        rows.append(row + [_plain("".join(cell))])
        end = len(text)
    return rows, end


def _plain(cell: str) -> str:
    cell = cell.rstrip("\r")
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell
