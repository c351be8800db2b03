"""Milestones of the uploads for screen readers: start, quarters of the progress, failures, end."""

from upload_page.view.words.text import percent as percent_text
from upload_page.view.words.text import say, say_count


class Milestones:
    """Finds milestones of the uploads by comparing the numbers of each `update` with the last ones.

    Milestones are the start and the end of all uploads, each quarter of the progress, failures, and
    questions to the person.
    """

    def __init__(self) -> None:
        self._busy = False
        self._quarter = 0
        self._failed = self._asks = self._lacks = 0

    def update(
        self,
        *,
        running: int,
        files: int,
        done: int,
        failed: int,
        percent: int,
        asks: int = 0,
        lacks: int = 0,
    ) -> str:
        """Return the sentence for a milestone since the previous call; empty if there is none.

        Args:
            running: the number of uploads that have not ended.
            files: the number of all uploads except cancelled uploads.
            done: the number of finished uploads.
            failed: the number of failed uploads.
            percent: the sent bytes as a percentage of all bytes.
            asks: the number of uploads that wait for the person's answer to a question.
            lacks: the number of uploads that wait for details.
        """
        more_asks, self._asks = asks > self._asks, asks
        more_lacks, self._lacks = lacks > self._lacks, lacks
        was_busy, self._busy = self._busy, running > 0
        more_failed, self._failed = failed > self._failed, failed
        if self._busy and not was_busy:
            self._quarter = percent // 25
            return say_count("announce_start", running)
        if was_busy and not self._busy:
            if failed:
                arrived = say_count("announce_end", done)
                failures = say_count("announce_failed", failed)
                return say("announce_end_failed", arrived=arrived, failed=failures)
            return say_count("announce_end", files) if files else ""
        quarter = percent // 25
        if self._busy and quarter > self._quarter and quarter < 4:
            self._quarter = quarter
            return say("announce_percent", percent=percent_text(25 * quarter, 100))
        if more_lacks:
            return say_count("needs_details", lacks)
        if more_asks:
            return say_count("asks", asks)
        return say_count("announce_failed", failed) if more_failed else ""
