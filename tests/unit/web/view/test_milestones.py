"""Announcements for screen readers: few, and none repeated."""

from support.english import speak_english
from upload_page.view.words.milestones import Milestones

speak_english()


def hear(milestones, running, files, done, failed, percent):
    return milestones.update(
        running=running, files=files, done=done, failed=failed, percent=percent
    )


def test_start_quarters_failures_and_end_are_told_once():
    milestones = Milestones()
    told = [
        hear(milestones, *sums)
        for sums in [
            (0, 0, 0, 0, 0),
            (4, 4, 0, 0, 0),
            (4, 4, 0, 0, 24),
            (4, 4, 0, 0, 26),
            (3, 4, 1, 0, 49),
            (2, 4, 1, 1, 51),
            (2, 4, 1, 1, 60),
            (1, 4, 1, 2, 74),
            (1, 4, 1, 2, 99),
            (1, 4, 1, 2, 100),
            (0, 4, 2, 2, 100),
            (0, 4, 2, 2, 100),
        ]
    ]

    assert [words for words in told if words] == [
        "Uploading 4 files.",
        "25% uploaded.",
        "50% uploaded.",
        "2 files failed.",
        "75% uploaded.",
        "Finished. 2 files arrived and verified. 2 files failed.",
    ]


def test_an_end_without_failures_is_plain():
    milestones = Milestones()
    hear(milestones, 1, 1, 0, 0, 0)

    assert hear(milestones, 0, 1, 1, 0, 100) == "1 file arrived and verified."
