"""Paths of files in a ZIP archive."""

import pytest

from upload_page.receipts.archive_paths import archive_paths


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("a/b.txt", "a/b.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("../../a.txt", "_/_/a.txt"),
        ("C:\\a.txt", "C__a.txt"),
        ("a. /b..", "a/b"),
        ("a\nb.txt", "a_b.txt"),
        ("...", "_"),
        ("写真/é.jpg", "写真/é.jpg"),
    ],
)
def test_a_file_stays_in_the_folder_in_which_the_archive_is_unpacked(path: str, safe: str) -> None:
    assert archive_paths([path]) == [safe]


def test_files_with_the_same_path_get_numbers_also_where_case_makes_no_difference() -> None:
    paths = ["a.b/c.txt", "A.B/C.TXT", "a.b/c.txt", "a.b/c (2).txt", "a.b/c", "a.b/C"]

    assert archive_paths(paths) == [
        "a.b/c.txt",
        "A.B/C (2).TXT",
        "a.b/c (3).txt",
        "a.b/c (2) (2).txt",
        "a.b/c",
        "a.b/C (2)",
    ]
